import { describe, expect, it } from 'vitest'
import type { Benchmark } from '@/api/ownGoals'
import { compared, relation, scale, strongest } from '@/pages/goals/figures'

function benchmark(own: string | null, median: string | null, more: Partial<Benchmark> = {}): Benchmark {
  return {
    metric: 'on_time', unit: '%', less_is_better: false, own: own === null ? null : { value: own, n: 9 },
    team: median === null ? null : { median, lower_quartile: null, upper_quartile: null, people: 6, n: 40 },
    payment: null, payment_n: 0, ...more,
  }
}
const pays = (r: string, certain: boolean) => ({ r, low: '0', high: '0', n: 20, certain })

describe('benchmarks (G9)', () => {
  it('compare with the median on the side that is better', () => {
    expect(compared(benchmark('90', '80'))).toEqual({ difference: 10, better: true })
    expect(compared(benchmark('1.2', '3.0', { less_is_better: true }))).toEqual({ difference: -1.8, better: true })
    expect(compared(benchmark('80', '80'))).toEqual({ difference: 0, better: false })
    expect(compared(benchmark('80', null))).toBeUndefined()
  })
  it('name the metric in which somebody is furthest ahead, and none when nowhere', () => {
    const quick = benchmark('1', '3', { metric: 'response_days', less_is_better: true })
    expect(strongest([benchmark('82', '80'), quick, benchmark('10', '80')])).toBe(quick)
    expect(strongest([benchmark('70', '80')])).toBeUndefined()
  })
  it('say what payment does only where the interval is certain', () => {
    expect(relation(benchmark('1', '1'))).toBe('none')
    expect(relation(benchmark('1', '1', { payment: pays('0.2', false) }))).toBe('open')
    expect(relation(benchmark('1', '1', { payment: pays('0.6', true), less_is_better: true }))).toBe('faster')
    expect(relation(benchmark('1', '1', { payment: pays('0.6', true) }))).toBe('slower')
  })
  it('stand on a ruler with at most six ticks that holds every value', () => {
    for (const highest of [0.2, 3.4, 17, 250]) {
      const { end, step } = scale([highest, undefined], false)
      expect(end).toBeGreaterThanOrEqual(highest)
      expect(end / step).toBeLessThanOrEqual(6)
    }
    expect(scale([40], true)).toEqual({ end: 100, step: 25 })
  })
})
