// Without a connection nothing that somebody answered is lost, and nothing is sent twice or by somebody else.
import { createPinia, setActivePinia } from 'pinia'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { pause, read } from '@/api/live'
import { UNDO_WITHIN, useConnection } from '@/stores/connection'

const fetched = vi.fn<typeof fetch>()
beforeEach(() => {
  localStorage.clear()
  setActivePinia(createPinia())
  fetched.mockReset()
  vi.stubGlobal('fetch', fetched)
  vi.stubGlobal('Request', class extends Request { constructor(input: RequestInfo | URL, init?: RequestInit) { super(new URL(String(input), 'http://localhost'), init) } })
})
const key = (call: number) => (fetched.mock.calls[call]![0] as Request).headers.get('Idempotency-Key')

describe('an answer given offline', () => {
  it('is kept and shown as waiting', async () => {
    fetched.mockRejectedValue(new TypeError('offline'))
    const connection = useConnection()
    expect(await connection.sendOrKeep('10231', '/api/x', { a: 1 }, 'notice-1')).toBe('waiting')
    expect(connection.isWaiting('notice-1')).toBe(true)
    expect(JSON.parse(localStorage.getItem('bihuan.outbox')!)).toHaveLength(1)
  })
  it('goes out later under the same key', async () => {
    fetched.mockRejectedValueOnce(new TypeError('offline')).mockResolvedValue(new Response('{}', { status: 200 }))
    const connection = useConnection()
    await connection.sendOrKeep('10231', '/api/x', undefined, 'notice-1')
    expect(await connection.sendKept('10231')).toBe(1)
    expect(key(0)).toBe(key(1))
    expect(connection.isWaiting('notice-1')).toBe(false)
  })
  it('is not sent by the next person at this browser', async () => {
    fetched.mockRejectedValueOnce(new TypeError('offline')).mockResolvedValue(new Response('{}', { status: 200 }))
    const connection = useConnection()
    await connection.sendOrKeep('10231', '/api/x', undefined, 'notice-1')
    expect(await connection.sendKept('10306')).toBe(0)
  })
  it('marks every unsafe request as ours', async () => {
    fetched.mockResolvedValue(new Response('{}', { status: 200 }))
    await useConnection().sendOrKeep('10231', '/api/x', {}, 'n')
    expect((fetched.mock.calls[0]![0] as Request).headers.get('X-Bihuan-Request')).toBe('1')
  })
  it('that the service refuses is not kept', async () => {
    fetched.mockResolvedValue(new Response('{"code":"card_closed","title":"closed"}', { status: 409 }))
    const connection = useConnection()
    await expect(connection.sendOrKeep('10231', '/api/x', {}, 'n')).rejects.toMatchObject({ status: 409, code: 'card_closed' })
    expect(connection.waiting).toHaveLength(0)
  })
})

describe('an answer that can be taken back', () => {
  beforeEach(() => {
    vi.useFakeTimers()
    fetched.mockImplementation(async () => new Response('{}', { status: 200 }))
  })
  afterEach(() => void vi.useRealTimers())

  it('goes out when its time is over', async () => {
    const connection = useConnection()
    connection.sendLater('10231', '/api/x', undefined, 'notice-1')
    await vi.advanceTimersByTimeAsync(UNDO_WITHIN - 1)
    expect(fetched).not.toHaveBeenCalled()
    expect(connection.isHeld('notice-1')).toBe(true)
    expect(connection.isWaiting('notice-1')).toBe(false)
    await vi.advanceTimersByTimeAsync(1)
    expect(fetched).toHaveBeenCalledOnce()
    expect(connection.waiting).toHaveLength(0)
  })
  it('is never sent once it is taken back', async () => {
    const connection = useConnection()
    connection.sendLater('10231', '/api/x', undefined, 'notice-1')
    connection.takeBack('notice-1')
    await vi.advanceTimersByTimeAsync(2 * UNDO_WITHIN)
    expect(fetched).not.toHaveBeenCalled()
    expect(localStorage.getItem('bihuan.outbox')).toBe('[]')
  })
  it('goes at once when the page is left, so that the browser still sends it', async () => {
    const connection = useConnection()
    connection.sendLater('10231', '/api/x', undefined, 'notice-1')
    await connection.sendHeldNow('10231')
    expect((fetched.mock.calls[0]![0] as Request).keepalive).toBe(true)
    await vi.advanceTimersByTimeAsync(2 * UNDO_WITHIN)
    expect(fetched).toHaveBeenCalledOnce()
  })
  it('goes with the next visit when the page died', async () => {
    useConnection().sendLater('10231', '/api/x', undefined, 'notice-1')
    const key = (JSON.parse(localStorage.getItem('bihuan.outbox')!) as { key: string }[])[0]!.key
    vi.clearAllTimers()
    vi.setSystemTime(Date.now() + UNDO_WITHIN)
    setActivePinia(createPinia())
    expect(await useConnection().sendKept('10231')).toBe(1)
    expect((fetched.mock.calls[0]![0] as Request).headers.get('Idempotency-Key')).toBe(key)
  })
  it('that another tab took back does not come back from this one', async () => {
    const connection = useConnection()
    connection.sendLater('10231', '/api/x', undefined, 'notice-1')
    localStorage.setItem('bihuan.outbox', '[]')
    await vi.advanceTimersByTimeAsync(UNDO_WITHIN)
    expect(fetched).not.toHaveBeenCalled()
  })
  it('is kept over an expired session', async () => {
    fetched.mockImplementation(async () => new Response('{"code":"signed_out"}', { status: 401 }))
    const connection = useConnection()
    connection.sendLater('10231', '/api/x', undefined, 'notice-1')
    await vi.advanceTimersByTimeAsync(UNDO_WITHIN)
    expect(connection.isWaiting('notice-1')).toBe(true)
  })
})

describe('the live stream', () => {
  it('comes back within 30 s, never all pages at once', () => {
    expect(pause(0, () => 0)).toBe(500)
    expect(pause(0, () => 1)).toBe(1000)
    expect(pause(12, () => 1)).toBe(30_000)
  })
  it('overlooks what it cannot read', () => {
    expect(read('not json')).toBeUndefined()
    expect(read('{"kind":"task","id":"1","data":{}}')?.kind).toBe('task')
  })
})
