// How times, durations and figures read, in the reader's language; a number is never parted from its unit.
import { computed } from 'vue'
import { useI18n } from 'vue-i18n'
import { dayNumber, wall, weekdayOf, ZONE } from './zone'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const THIN = '\u00a0'

export type Instant = string | number | Date | null | undefined
export type Figure = string | number | null | undefined

/** A figure of the API, which sends decimals as strings; undefined when there is no data. */
export function toNumber(value: Figure): number | undefined {
  if (value === null || value === undefined || value === '') return undefined
  const number = Number(value)
  return Number.isFinite(number) ? number : undefined
}

export function toDate(value: Instant): Date | undefined {
  if (value === null || value === undefined || value === '') return undefined
  const date = new Date(value)
  return Number.isNaN(date.getTime()) ? undefined : date
}

/** Calendar days of the company from one instant to another. */
export const daysBetween = (from: Date, to: Date): number => dayNumber(to) - dayNumber(from)

const pad = (value: number) => String(value).padStart(2, '0')

export function hourMinute(date: Date): string {
  const { hour, minute } = wall(date)
  return `${pad(hour)}:${pad(minute)}`
}

/** 0.8 s, 48.2 s, 12 min, 25 h 26 min, 9 d 4 h: two units at most. */
export function duration(milliseconds: number): string {
  const ms = Math.abs(milliseconds)
  if (ms < 1000) return `${(ms / 1000).toFixed(ms < 100 ? 3 : 2)}${THIN}s`
  if (ms < MINUTE) return `${(ms / 1000).toFixed(1)}${THIN}s`
  if (ms < HOUR) {
    const seconds = Math.floor((ms % MINUTE) / 1000)
    return `${Math.floor(ms / MINUTE)}${THIN}min${ms < 10 * MINUTE && seconds ? ` ${seconds}${THIN}s` : ''}`
  }
  if (ms < 7 * DAY) {
    const minutes = Math.floor((ms % HOUR) / MINUTE)
    return `${Math.floor(ms / HOUR)}${THIN}h${minutes ? ` ${minutes}${THIN}min` : ''}`
  }
  return `${Math.floor(ms / DAY)}${THIN}d ${Math.floor((ms % DAY) / HOUR)}${THIN}h`
}

/** At most one decimal, and none that is zero. */
export function figure(value: Figure, decimals = 1): string {
  const number = toNumber(value)
  if (number === undefined) return '—'
  return String(Number(number.toFixed(decimals))).replace('-', '−')
}

/** A file's size. */
export function bytes(count: number): string {
  return count < 1024 * 1024 ? `${Math.max(1, Math.round(count / 1024))}\u00a0kB` : `${(count / 1024 / 1024).toFixed(1)}\u00a0MB`
}

export function percent(value: Figure, decimals = 1): string {
  return toNumber(value) === undefined ? '—' : `${figure(value, decimals)}%`
}

// making a formatter takes longer than a hundred uses of it
const formatters = new Map<string, Intl.DateTimeFormat>()
function inWords(date: Date, language: 'zh-CN' | 'en-GB', options: Intl.DateTimeFormatOptions): string {
  const name = language + Object.keys(options).join()
  if (!formatters.has(name)) formatters.set(name, new Intl.DateTimeFormat(language, { ...options, timeZone: ZONE }))
  return formatters.get(name)!.format(date)
}

export function useFormat() {
  const { t, locale } = useI18n()
  const zh = computed(() => locale.value === 'zh')

  function monthDay(date: Date): string {
    return zh.value
      ? t('time.monthDay', { month: wall(date).month, day: wall(date).day })
      : inWords(date, 'en-GB', { day: 'numeric', month: 'short' })
  }

  function weekday(date: Date): string {
    return inWords(date, zh.value ? 'zh-CN' : 'en-GB', { weekday: 'short' })
  }

  function day(value: Instant): string {
    const date = toDate(value)
    if (!date) return '—'
    return wall(date).year === wall(new Date()).year ? monthDay(date) : isoDay(date)
  }

  function isoDay(value: Instant): string {
    const date = toDate(value)
    if (!date) return '—'
    const { year, month, day } = wall(date)
    return `${year}-${pad(month)}-${pad(day)}`
  }

  /** A due time: today 17:30, tomorrow 12:00, Thu 18:00, then the date. */
  function due(value: Instant, now = new Date()): string {
    const date = toDate(value)
    if (!date) return '—'
    const days = daysBetween(now, date)
    if (days === 0) return `${t('time.today')} ${hourMinute(date)}`
    if (days === 1) return `${t('time.tomorrow')} ${hourMinute(date)}`
    if (days === -1) return `${t('time.yesterday')} ${hourMinute(date)}`
    const monday = 1 - weekdayOf(now)
    if (days > 1 && days < monday + 7) return `${weekday(date)} ${hourMinute(date)}`
    return day(date)
  }

  /** A past time: 09:14, yesterday 16:02, 9 Mar. */
  function when(value: Instant, now = new Date()): string {
    const date = toDate(value)
    if (!date) return '—'
    const days = daysBetween(date, now)
    if (days === 0) return hourMinute(date)
    if (days === 1) return `${t('time.yesterday')} ${hourMinute(date)}`
    return day(date)
  }

  function clock(value: Instant, decimals = 0): string {
    const date = toDate(value)
    if (!date) return '—'
    const seconds = `${hourMinute(date)}:${pad(wall(date).second)}`
    if (!decimals) return seconds
    return `${seconds}.${String(date.getMilliseconds()).padStart(3, '0').slice(0, decimals)}`
  }

  function dayClock(value: Instant): string {
    const date = toDate(value)
    return date ? `${isoDay(date).slice(5)} ${clock(date)}` : '—'
  }

  /** 18 minutes, 4 hours, 2 days: how long until then, from now. */
  function until(value: Instant, now = new Date()): string {
    const date = toDate(value)
    if (!date) return '—'
    const left = Math.abs(date.getTime() - now.getTime())
    if (left < HOUR) return t('time.minutes', { n: Math.max(1, Math.round(left / MINUTE)) })
    if (left < 2 * DAY) return t('time.hours', { n: Math.round(left / HOUR) })
    return t('time.days', { n: Math.round(left / DAY) })
  }

  /** Days late (positive) or early, to half a day. */
  function halfDays(milliseconds: number): string {
    return figure(Math.round((milliseconds / DAY) * 2) / 2)
  }

  return { day, isoDay, due, when, clock, dayClock, until, monthDay, weekday, halfDays, duration, figure, percent, hourMinute }
}
