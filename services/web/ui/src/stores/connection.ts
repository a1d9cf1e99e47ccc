// Whether we are connected, since when the data on screen is, and what waits to be sent.
import { defineStore } from 'pinia'
import { computed, ref } from 'vue'
import { json, post } from '@/api/http'
import { Problem, Unreachable } from '@/api/problem'
import { useToasts } from './toasts'

const KEY = 'bihuan.outbox'
/** How long an answer can be taken back. */
export const UNDO_WITHIN = 8000

export interface Waiting {
  key: string
  path: string
  body: unknown
  /** What the page shows as waiting, such as the notice's id. */
  about: string
  person: string
  /** Until then it is held and can be taken back (milliseconds since 1970). */
  heldUntil?: number
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

  /** Another tab has the same outbox: what it sent or took back must not come back from here. */
  function change(how: (list: Waiting[]) => Waiting[]) {
    waiting.value = how(kept())
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
      change((list) => [...list, one])
      return 'waiting'
    }
  }

  /** Holds it for a while in which it can be taken back, then sends it. It is in the outbox at once, so that nothing loses it. */
  function sendLater(person: string, path: string, body: unknown, about: string, within = UNDO_WITHIN): void {
    const one = { key: crypto.randomUUID(), path, body, about, person, heldUntil: Date.now() + within }
    change((list) => [...list.filter((other) => other.about !== about || !other.heldUntil), one])
    setTimeout(() => isHeld(about) && void sendKept(person), within)
  }
  function takeBack(about: string): void {
    change((list) => list.filter((one) => one.about !== about || !one.heldUntil))
  }
  const isHeld = (about: string) => waiting.value.some((one) => one.about === about && one.heldUntil)

  /** The page is left: what is held goes now; the browser sends it even when the page is gone. */
  async function sendHeldNow(person: string): Promise<void> {
    if (!waiting.value.some((one) => one.person === person && one.heldUntil)) return
    change((list) => list.map((one) => (one.person === person ? { ...one, heldUntil: undefined } : one)))
    await sendKept(person, { keepalive: true })
  }

  /** The next one whose time has come, no longer to be taken back. */
  function nextReady(person: string): Waiting | undefined {
    const now = Date.now()
    change((list) => list.map((one) => (one.person === person && one.heldUntil && one.heldUntil <= now ? { ...one, heldUntil: undefined } : one)))
    return waiting.value.find((one) => one.person === person && !one.heldUntil)
  }

  /** What was kept goes out in its order, under its own key, so that a repeat has no second effect. */
  async function sendKept(person: string, how: RequestInit = {}): Promise<number> {
    if (sending) return 0
    sending = true
    let sent = 0
    try {
      for (let one = nextReady(person); one; one = nextReady(person)) {
        try {
          await json(one.path, { ...post(one.body, { 'Idempotency-Key': one.key }), ...how })
        } catch (error) {
          // signed out, overloaded or out of reach: it stays; what the service refuses for good goes, and is told
          if (!(error instanceof Problem) || error.status === 401 || error.status === 429 || error.status >= 500) break
          useToasts().show(error.message, 'red')
        }
        const { key } = one
        change((list) => list.filter((other) => other.key !== key))
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
    sendLater,
    sendHeldNow,
    takeBack,
    isHeld,
    unsent: computed(() => waiting.value.filter((one) => !one.heldUntil).length),
    isWaiting: (about: string) => waiting.value.some((one) => one.about === about && !one.heldUntil),
  }
})
