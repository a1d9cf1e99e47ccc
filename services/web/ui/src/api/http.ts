// Every request to our own origin: language, request marker, idempotency key, and problems as errors.
import { Problem, Unreachable } from './problem'
import { languageInUse } from '@/stores/preferences'

const UNSAFE = new Set(['POST', 'PUT', 'PATCH', 'DELETE'])
type Listener = (status: number) => void
let onAnswer: Listener = () => {}

/** One place learns of every answer (0 when none came): it signs out on 401 and shows the offline band. */
export function listen(listener: Listener): void {
  onAnswer = listener
}

/** `fetch` as the services expect it; the generated clients use it too. */
export async function send(input: RequestInfo | URL, init: RequestInit = {}): Promise<Response> {
  const request = new Request(input, init)
  request.headers.set('Accept-Language', languageInUse())
  if (UNSAFE.has(request.method)) {
    // web refuses unsafe requests without this header: a foreign page cannot set it
    request.headers.set('X-Bihuan-Request', '1')
    if (!request.headers.has('Idempotency-Key')) request.headers.set('Idempotency-Key', crypto.randomUUID())
  }
  try {
    const response = await fetch(request)
    onAnswer(response.status)
    return response
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error
    onAnswer(0)
    throw new Unreachable()
  }
}

async function problemOf(response: Response): Promise<Problem> {
  const body = (await response.clone().json().catch(() => ({}))) as Record<string, unknown>
  return new Problem(response.status, body)
}

/** JSON of a plain path, for the routes that `web` serves itself and for the outbox. */
export async function json<T>(path: string, init: RequestInit = {}): Promise<T> {
  const response = await send(path, init)
  if (!response.ok) throw await problemOf(response)
  return (response.status === 204 ? undefined : await response.json()) as T
}

/** The lines of a plain path's answer as they come in; ends early when the caller stops asking. */
export async function* lines(path: string, init: RequestInit = {}): AsyncGenerator<string> {
  const response = await send(path, init)
  if (!response.ok) throw await problemOf(response)
  const reader = response.body!.getReader()
  const text = new TextDecoder()
  let kept = ''
  try {
    for (;;) {
      const { done, value } = await reader.read()
      const pieces = (kept + text.decode(value, { stream: !done })).split('\n')
      kept = pieces.pop()!
      yield* pieces
      if (done) break
    }
    if (kept) yield kept
  } catch (error) {
    // a connection that breaks in the middle of an answer is one that did not come
    if (error instanceof TypeError) throw new Unreachable()
    throw error
  } finally {
    reader.releaseLock()
  }
}

export function post(body?: unknown, headers: Record<string, string> = {}): RequestInit {
  return {
    method: 'POST',
    headers: body === undefined ? headers : { 'Content-Type': 'application/json', ...headers },
    body: body === undefined ? undefined : JSON.stringify(body),
  }
}

/** The data of a generated client's answer, or the service's problem as an error. */
export async function unwrap<T>(answer: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T> {
  const { data, error, response } = await answer
  if (!response.ok) throw new Problem(response.status, (error ?? {}) as Record<string, unknown>)
  return data as T
}
