// One event stream from `web`: what changed elsewhere, so that open pages ask again for exactly that.
import type { QueryClient } from '@tanstack/vue-query'
import { refreshCompanyBoard } from './boards'

export interface LiveMessage {
  kind: 'notice' | 'task' | 'project' | 'change' | 'answer' | 'receipt' | 'target' | 'metric' | 'consent' | 'appeal' | 'rule' | 'document' | 'refusal' | 'person'
  id: string
  data: Record<string, unknown>
}

/** Which questions each kind of message makes stale: first words of the query keys. */
const STALE: Record<LiveMessage['kind'], readonly string[]> = {
  notice: ['inbox', 'unread', 'notice', 'week', 'own-goals'],
  task: ['task', 'week', 'board', 'boards', 'effects', 'work', 'staff'],
  project: ['board', 'boards', 'project-record', 'week'],
  change: ['changes', 'change', 'effects', 'clock'],
  answer: ['answers', 'document', 'task', 'effects'],
  receipt: ['deliveries', 'clock', 'inbox', 'notice'],
  target: ['task', 'effects', 'week', 'consents', 'record'],
  metric: ['metric', 'clock'],
  consent: ['consent', 'consents', 'record', 'owed', 'appeal', 'appeals'],
  appeal: ['appeal', 'appeals'],
  rule: ['rule', 'rules'],
  document: ['document'],
  refusal: ['refused', 'refused-body', 'streams'],
  person: ['staff', 'person', 'person-record'],
}

/** Messages of one burst are gathered this long, so that a release asks for each page once. */
const GATHER = 120

export interface LiveOptions {
  queries: QueryClient
  onState: (connected: boolean) => void
  onMessage: (message: LiveMessage) => void
}

/** Opens the stream and keeps it open; returns how to close it. */
export function openLive({ queries, onState, onMessage }: LiveOptions): () => void {
  let source: EventSource | undefined
  let retry: ReturnType<typeof setTimeout> | undefined
  let gather: ReturnType<typeof setTimeout> | undefined
  let tries = 0
  let lost = false
  const stale = new Set<string>()
  const projects = new Set<string>()

  function refresh() {
    gather = undefined
    const words = [...stale]
    stale.clear()
    const touched = [...projects]
    projects.clear()
    for (const word of words) void queries.invalidateQueries({ queryKey: [word] })
    if (touched.length) void refreshCompanyBoard(queries, touched)
  }
  function hear(event: MessageEvent<string>) {
    const message = read(event.data)
    if (!message) return
    for (const word of STALE[message.kind] ?? []) stale.add(word)
    const project = message.kind === 'project' ? message.id : message.kind === 'task' && message.data.project
    if (typeof project === 'string') projects.add(project)
    gather ??= setTimeout(refresh, GATHER)
    onMessage(message)
  }
  function connect() {
    source = new EventSource('/live')
    source.onopen = () => {
      tries = 0
      onState(true)
      // what happened while nobody listened can only be asked for
      if (lost) void queries.invalidateQueries()
      lost = false
    }
    source.onmessage = hear
    for (const kind of Object.keys(STALE)) source.addEventListener(kind, hear as EventListener)
    source.onerror = () => {
      lost = true
      onState(false)
      // the browser retries by itself (with Last-Event-ID) unless the server refused
      if (source?.readyState !== EventSource.CLOSED) return
      retry = setTimeout(connect, pause(tries++))
    }
  }
  connect()
  return () => {
    source?.close()
    clearTimeout(retry)
    clearTimeout(gather)
  }
}

/** Milliseconds before the next try: doubling to 30 s, with half of it random so that pages do not come back together. */
export function pause(tries: number, random = Math.random): number {
  const whole = Math.min(30_000, 1000 * 2 ** tries)
  return whole / 2 + (random() * whole) / 2
}

export function read(text: string): LiveMessage | undefined {
  try {
    const message = JSON.parse(text) as LiveMessage
    return message && typeof message.kind === 'string' ? message : undefined
  } catch {
    return undefined
  }
}
