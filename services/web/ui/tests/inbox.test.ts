// The inbox puts what waits for the reader first, and problems stand at their field.
import { describe, expect, it } from 'vitest'
import type { Notice } from '@/api/notify'
import { Problem } from '@/api/problem'
import { innerPath } from '@/router'
import { mentionsReader, orderOf } from '@/pages/inbox/order'

const notice = (id: string, given: Partial<Notice>) => ({ notice: id, must_confirm: false, confirmed_at: null, read_at: null, superseded: false, escalate_at: null, delivered_at: '2026-03-10T01:00:00Z', ...given }) as Notice

it('what must be confirmed comes first, the nearest escalation at the top', () => {
  const order = orderOf([
    notice('read', { read_at: '2026-03-10T02:00:00Z' }),
    notice('unread', {}),
    notice('later', { must_confirm: true, escalate_at: '2026-03-10T09:00:00Z' }),
    notice('soon', { must_confirm: true, escalate_at: '2026-03-10T03:00:00Z' }),
    notice('confirmed', { must_confirm: true, confirmed_at: '2026-03-10T02:00:00Z', read_at: '2026-03-10T02:00:00Z' }),
  ]).map((one) => one.notice)
  expect(order.slice(0, 3)).toEqual(['soon', 'later', 'unread'])
})
it('a superseded notice no longer waits', () => {
  const order = orderOf([notice('old', { must_confirm: true, superseded: true }), notice('unread', {})])
  expect(order[0]!.notice).toBe('unread')
})

describe('a refusal', () => {
  const problem = new Problem(422, { code: 'invalid', errors: [{ field: 'criteria.0.upper', code: 'decimal_parsing', message: 'number' }] })
  it('is found at its field, also by the end of its path', () => expect(problem.field('upper')).toBe('number'))
  it('leaves other fields alone', () => expect(problem.field('version')).toBeUndefined())
})

it('after signing in one stays inside, whatever the address says', () => {
  expect(innerPath('/changes/1')).toBe('/changes/1')
  for (const outside of ['https://evil.example', '//evil.example', '/\\evil.example', undefined]) expect(innerPath(outside)).toBe('/')
})

it('what mentions the reader is what somebody named them in and still stands', () => {
  expect(mentionsReader(notice('named', { mentioned_by_name: '陈砚' }))).toBe(true)
  expect(mentionsReader(notice('by the system', { mentioned_by_name: null }))).toBe(false)
  expect(mentionsReader(notice('old', { mentioned_by_name: '陈砚', superseded: true }))).toBe(false)
})
