// Whether we are connected, since when the data on screen is, and what waits to be sent.
import { defineStore } from 'pinia'
import { computed, ref } from 'vue'
import { json, post } from '@/api/http'
import { Problem, Unreachable } from '@/api/problem'

const KEY = 'bihuan.outbox'

export interface Waiting {
  key: string
  path: string
  body: unknown
  /** What the page shows as waiting, such as the notice's id. */
  about: string
  person: string
}

function kept(): Waiting[] {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? '[]') as Waiting[]
  } catch {
    return []
  }
}

export const useConnection = defineStore('connection', () => {
  const live = ref(true)
  const reachable = ref(true)
  const freshAt = ref(new Date())
  const waiting = ref<Waiting[]>(kept())
  let sending = false

  function save() {
    localStorage.setItem(KEY, JSON.stringify(waiting.value))
  }
  function answered(status: number) {
    reachable.value = status !== 0 && status !== 502 && status !== 504
    if (reachable.value) freshAt.value = new Date()
  }
  function setLive(connected: boolean) {
    live.value = connected
    if (connected) freshAt.value = new Date()
  }

  /** Sends now, or keeps it until the connection is back: 'sent' or 'waiting'. Refusals of the service are thrown. */
  async function sendOrKeep(person: string, path: string, body: unknown, about: string): Promise<'sent' | 'waiting'> {
    const one = { key: crypto.randomUUID(), path, body, about, person }
    try {
      await json(path, post(body, { 'Idempotency-Key': one.key }))
      return 'sent'
    } catch (error) {
      if (!(error instanceof Unreachable)) throw error
      waiting.value.push(one)
      save()
      return 'waiting'
    }
  }

  /** What was kept goes out in its order, under its own key, so that a repeat has no second effect. */
  async function sendKept(person: string): Promise<number> {
    if (sending) return 0
    sending = true
    let sent = 0
    try {
      for (const one of waiting.value.filter((kept) => kept.person === person)) {
        try {
          await json(one.path, post(one.body, { 'Idempotency-Key': one.key }))
        } catch (error) {
          if (!(error instanceof Problem)) break
        }
        waiting.value = waiting.value.filter((kept) => kept.key !== one.key)
        save()
        sent++
      }
    } finally {
      sending = false
    }
    return sent
  }

  return {
    live,
    freshAt,
    waiting,
    offline: computed(() => !reachable.value || !live.value),
    answered,
    setLive,
    sendOrKeep,
    sendKept,
    isWaiting: (about: string) => waiting.value.some((one) => one.about === about),
  }
})
