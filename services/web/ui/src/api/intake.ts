// Test reports as people send them; what was refused at the door or could not be handled behind it; how far topics are read.
import { type MaybeRefOrGetter, toValue } from 'vue'
import { useQuery } from '@tanstack/vue-query'
import { intake } from './clients'
import { json, post, unwrap } from './http'
import type { components } from './schema/intake'
import type { components as Letters } from './schema/changes'

type Schemas = components['schemas']
type Letter = Letters['schemas']['DeadLetterReply']
type RefusedAtTheDoor = Schemas['RefusedReply']
export type Stream = Schemas['Stream']
export type RefusedState = 'open' | 'replayed' | 'discarded'

/** A payload that intake refused, or a record that a service could not handle: the same to whoever mends it. */
export interface Refused {
  id: string
  /** The service that keeps it. */
  service: string
  kind: string
  source: string
  sender: string | null
  code: string
  field: string | null
  reason: string
  receivedAt: string
  state: RefusedState | 'replaying'
  attempts: number
  resolution: string | null
  resolvedBy: string | null
  body: string
}

/** Who hears topics, and so may fail to understand a record. */
const LISTENERS = ['goals', 'changes', 'notify', 'feedback', 'analytics', 'web'] as const

export const sendReport = (body: Schemas['ReportIn']) => unwrap(intake.POST('/api/intake/test-reports', { body }))

export function useRefused(state: MaybeRefOrGetter<RefusedState>) {
  return useQuery({
    queryKey: ['refused', state],
    queryFn: () => findRefused(toValue(state)),
    placeholderData: (before) => before,
    // a replay is done by a worker: its outcome is a moment away
    refetchInterval: (query) => (query.state.data?.some((one) => one.state === 'replaying') ? 500 : 15_000),
  })
}

async function findRefused(state: RefusedState): Promise<Refused[]> {
  const states = state === 'open' ? (['open', 'replaying'] as const) : [state]
  const kept = LISTENERS.flatMap((service) => states.map((one) => json<{ letters: Letter[] }>(`/api/${service}/dead-letters?state=${one}`).then((list) => list.letters.map((letter) => ofLetter(service, letter)))))
  const door = unwrap(intake.GET('/api/intake/refused', { params: { query: { state, limit: 200 } } })).then((list) => list.refused.map(ofDoor))
  // a service that is away hides its own records, not those of the others
  const [atTheDoor, ...behind] = await Promise.all([door, ...kept.map((one) => one.catch(() => [] as Refused[]))])
  return [...atTheDoor, ...behind.flat()].sort((a, b) => b.receivedAt.localeCompare(a.receivedAt))
}

const ofDoor = (one: RefusedAtTheDoor): Refused => ({
  id: one.id,
  service: 'intake',
  kind: one.event_type ?? one.connector,
  source: one.source ?? one.connector,
  sender: one.sender,
  code: one.code,
  field: one.field,
  reason: one.reason,
  receivedAt: one.received_at,
  state: one.state,
  attempts: one.attempts,
  resolution: one.resolution,
  resolvedBy: one.resolved_by,
  body: one.body,
})
const ofLetter = (service: string, one: Letter): Refused => ({
  id: one.id,
  service,
  kind: one.topic,
  source: one.consumer,
  sender: null,
  code: one.code,
  field: one.field,
  reason: one.reason,
  receivedAt: one.first_seen,
  state: one.state,
  attempts: one.attempts,
  resolution: one.resolution,
  resolvedBy: one.resolved_by,
  body: one.value ?? '',
})

/** The whole payload: lists carry only its beginning. */
export function useRefusedBody(one: MaybeRefOrGetter<Refused | undefined>) {
  return useQuery({
    queryKey: ['refused-body', () => toValue(one)?.id, () => toValue(one)?.attempts],
    enabled: () => toValue(one) !== undefined,
    queryFn: () => readRefused(toValue(one)!),
  })
}
const readRefused = (one: Refused): Promise<Refused> =>
  one.service === 'intake'
    ? unwrap(intake.GET('/api/intake/refused/{id}', { params: { path: { id: one.id } } })).then(ofDoor)
    : json<Letter>(`/api/${one.service}/dead-letters/${one.id}`).then((letter) => ofLetter(one.service, letter))

/** Still wrong is an answer too: the state stays open and names the field that is wrong now. */
export const replayRefused = (one: Refused, body: string | null): Promise<Refused> =>
  one.service === 'intake'
    ? unwrap(intake.POST('/api/intake/refused/{id}/replay', { params: { path: { id: one.id } }, body: { body } })).then(ofDoor)
    : json<Letter>(`/api/${one.service}/dead-letters/${one.id}/replay`, post({ value: body })).then((letter) => ofLetter(one.service, letter))
export const discardRefused = (one: Refused, reason: string): Promise<Refused> =>
  one.service === 'intake'
    ? unwrap(intake.POST('/api/intake/refused/{id}/discard', { params: { path: { id: one.id } }, body: { reason } })).then(ofDoor)
    : json<Letter>(`/api/${one.service}/dead-letters/${one.id}/discard`, post({ reason })).then((letter) => ofLetter(one.service, letter))

export function useStreams() {
  return useQuery({ queryKey: ['streams'], queryFn: () => unwrap(intake.GET('/api/intake/streams')).then((list) => list.streams), refetchInterval: 5_000 })
}
