// Figures and durations read the same everywhere; the clock's axis and the scales are exact.
import { describe, expect, it } from 'vitest'
import { logTicks, onLogAxis, percentile, scaleEnd } from '@/lib/drawing'
import { duration, figure, percent } from '@/lib/format'
import { weekNumber } from '@/pages/week/sentence'

describe('figures', () => {
  it('keep one decimal and drop an empty one', () => {
    expect(percent('18.40')).toBe('18.4%')
    expect(percent('15.00')).toBe('15%')
  })
  it('show a dash without data, and zero as zero', () => {
    expect(percent(null)).toBe('—')
    expect(figure('0')).toBe('0')
  })
  it('write a real minus', () => expect(figure(-0.9)).toBe('−0.9'))
})

describe('durations', () => {
  it.each([
    [530, '0.53\u00a0s'],
    [48_200, '48.2\u00a0s'],
    [9 * 60_000 + 5000, '9\u00a0min 5\u00a0s'],
    [(25 * 60 + 26) * 60_000, '25\u00a0h 26\u00a0min'],
    [8 * 86_400_000, '8\u00a0d 0\u00a0h'],
  ])('%i ms', (ms, text) => expect(duration(ms)).toBe(text))
})

describe('the two-minute axis', () => {
  it('puts one second where its logarithm stands', () => expect(onLogAxis(1, 0.1, 100, 0, 300)).toBeCloseTo(100))
  it('keeps what is outside at its ends', () => {
    expect(onLogAxis(0.001, 0.1, 120, 24, 1230)).toBe(24)
    expect(onLogAxis(500, 0.1, 120, 24, 1230)).toBe(1230)
  })
  it('has ticks from 0.1 to 100 and none beyond 120', () => {
    const values = logTicks(0.1, 120).map((tick) => tick.value)
    expect(values[0]).toBe(0.1)
    expect(values.at(-1)).toBe(100)
  })
  it('takes the nearest rank', () => {
    expect(percentile([1, 2, 3, 4], 0.5)).toBe(2)
    expect(percentile([5], 0.95)).toBe(5)
    expect(percentile([], 0.5)).toBeUndefined()
  })
})

it('a dial leaves room beyond its value', () => {
  expect(scaleEnd(18.4)).toBe(30)
  expect(scaleEnd(100)).toBe(100)
})
it('weeks are counted as ISO 8601 does', () => {
  expect(weekNumber(new Date(2026, 0, 1))).toBe(1)
  expect(weekNumber(new Date(2026, 2, 11))).toBe(11)
  expect(weekNumber(new Date(2027, 0, 3))).toBe(53)
})
