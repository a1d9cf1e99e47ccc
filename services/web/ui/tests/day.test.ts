// Dates as people type them.
import { describe, expect, it } from 'vitest'
import { readDay, writeDay } from '@/lib/day'

describe('a typed day', () => {
  it.each(['2026-03-11', '2026-3-11', ' 2026/3/11 ', '2026.3.11', '2026年3月11日', '20260311'])('%s is understood', (text) => expect(readDay(text)).toBe('2026-03-11'))
  it.each(['', '03/11/2026', '2026-02-30', '2026-13-01', '2026-3', 'soon'])('%s names no day', (text) => expect(readDay(text)).toBeUndefined())
})

describe('a typed moment', () => {
  it.each(['2026-03-11 14:30', '2026-03-11T14:30', '2026年3月11日 14：30', '20260311 1430'])('%s is understood', (text) => expect(readDay(text, true)).toBe('2026-03-11T14:30'))
  it('keeps an early hour in two digits', () => expect(readDay('2026-3-1 8:05', true)).toBe('2026-03-01T08:05'))
  it.each(['2026-03-11', '2026-03-11 24:00', '2026-03-11 10:60'])('%s names no moment', (text) => expect(readDay(text, true)).toBeUndefined())
  it('reads back as it was written', () => expect(readDay(writeDay('2026-03-11T14:30'), true)).toBe('2026-03-11T14:30'))
})
