// The wall's trend: daily medians and p90 in hours on a scale that always holds the baseline.
import type { MetricSeries } from '@/api/analytics'

export interface Day {
  day: string
  n: number
  median: number
  p90: number
}

const HOUR = 3600
/** Fewer changes than this say nothing about a trend. */
export const ENOUGH = 5
/** Steps of the scale, in hours. */
const STEPS = [12, 24, 48, 96, 168, 336]

export function daysOf(series: Pick<MetricSeries, 'trend'>): Day[] {
  return series.trend
    .flatMap(({ day, n, median, p90 }) => (median === null || p90 === null ? [] : [{ day, n, median: median / HOUR, p90: p90 / HOUR }]))
    .sort((a, b) => a.day.localeCompare(b.day))
}

/** Distance of the scale's lines and its end, in hours: four lines at most above zero. */
export function scaleOf(days: readonly Day[], baseline: number): { step: number; end: number } {
  const largest = Math.max(baseline * 1.25, ...days.map((day) => day.p90))
  const step = STEPS.find((one) => one * 4 >= largest) ?? Math.ceil(largest / 4)
  return { step, end: Math.ceil(largest / step) * step }
}

/** How far below (negative) or above the baseline, in per cent. */
export const againstBaseline = (median: number, baseline: number): number => Math.round(((median - baseline) / baseline) * 100)
