// Notices: the inbox, one notice, deliveries of a change, reading and confirming.
import { computed, type MaybeRefOrGetter, toValue } from 'vue'
import { useQuery } from '@tanstack/vue-query'
import { notify } from './clients'
import { unwrap } from './http'
import type { components } from './schema/notify'

type Schemas = components['schemas']
export type Notice = Schemas['Notice']
export type NoticeDetail = Schemas['NoticeDetail']
export type Delivery = Schemas['Delivery']
export type Deliveries = Schemas['Deliveries']
export type Which = 'open' | 'unread' | 'done' | 'all'

export function useUnread() {
  const query = useQuery({ queryKey: ['unread'], queryFn: () => unwrap(notify.GET('/api/notify/unread')) })
  return computed(() => query.data.value?.unread ?? 0)
}

export function useInbox(which: MaybeRefOrGetter<Which>) {
  return useQuery({
    queryKey: ['inbox', which],
    queryFn: () => unwrap(notify.GET('/api/notify/inbox', { params: { query: { filter: toValue(which), limit: 200 } } })),
    placeholderData: (before) => before,
  })
}

export function useNotice(notice: MaybeRefOrGetter<string | undefined>) {
  return useQuery({
    queryKey: ['notice', notice],
    enabled: computed(() => Boolean(toValue(notice))),
    queryFn: () => unwrap(notify.GET('/api/notify/notices/{notice}', { params: { path: { notice: toValue(notice)! } } })),
  })
}

export function useDeliveries(change: MaybeRefOrGetter<string>) {
  return useQuery({
    queryKey: ['deliveries', change],
    queryFn: () => unwrap(notify.GET('/api/notify/changes/{change}/deliveries', { params: { path: { change: toValue(change) } } })),
  })
}

export const markRead = (notice: string) => unwrap(notify.POST('/api/notify/notices/{notice}/read', { params: { path: { notice } } }))

/** Path of the confirmation: it goes through the outbox, so that a lost connection does not lose it. */
export const confirmPath = (notice: string) => `/api/notify/notices/${notice}/confirm`

/** Nobody has to do anything about it any more, whoever has done it. */
const over = (notice: Notice) => notice.superseded || Boolean(notice.confirmed_at ?? notice.settled_at)
export const waitsForConfirmation = (notice: Notice) => notice.must_confirm && !over(notice)
export const isUnread = (notice: Notice) => !notice.read_at && !over(notice)
