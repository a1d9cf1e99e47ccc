// How a benchmark reads: on which side of the team's median, by how much, on a ruler that its values fill.
import type { Benchmark } from '@/api/ownGoals'
import { toNumber } from '@/lib/format'

export interface Comparison {
  /** Own value less the median. */
  difference: number
  better: boolean
}

export function compared(benchmark: Benchmark): Comparison | undefined {
  const own = toNumber(benchmark.own?.value)
  const median = toNumber(benchmark.team?.median)
  if (own === undefined || median === undefined) return undefined
  const difference = Math.round((own - median) * 10) / 10
  return { difference, better: difference < 0 === benchmark.less_is_better && difference !== 0 }
}

/** The one in which the person is furthest ahead of the team, as a share of the median. */
export function strongest(benchmarks: readonly Benchmark[]): Benchmark | undefined {
  const lead = (one: Benchmark) => Math.abs(compared(one)!.difference) / Math.max(1, toNumber(one.team!.median) ?? 1)
  return benchmarks.filter((one) => compared(one)?.better).sort((a, b) => lead(b) - lead(a))[0]
}

const STEPS = [0.5, 1, 2, 5, 10, 20, 25, 50, 100, 200, 500, 1000]

/** The end of the ruler and the step of its ticks: at most six of them. A percentage that should be high ends at 100. */
export function scale(values: readonly (number | undefined)[], percentage: boolean): { end: number; step: number } {
  if (percentage) return { end: 100, step: 25 }
  const highest = Math.max(1, ...values.map((value) => value ?? 0)) * 1.1
  const step = STEPS.find((one) => highest / one <= 6) ?? highest / 5
  return { end: Math.ceil(highest / step) * step, step }
}

export function relation(benchmark: Benchmark): 'none' | 'open' | 'faster' | 'slower' {
  if (!benchmark.payment) return 'none'
  if (!benchmark.payment.certain) return 'open'
  return Number(benchmark.payment.r) > 0 === benchmark.less_is_better ? 'faster' : 'slower'
}
