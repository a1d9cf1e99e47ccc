// The past moment that a page shows, kept in its address: a link opens the same past for everybody.
import { computed, ref, watch } from 'vue'
import { useRoute, useRouter } from 'vue-router'
import { toDate } from './format'
import { instant, wall } from './zone'

const pad = (value: number) => String(value).padStart(2, '0')

export function useAsOf() {
  const route = useRoute()
  const router = useRouter()
  const at = computed(() => {
    const given = route.query.at
    const date = typeof given === 'string' ? toDate(given) : undefined
    return date && date.getTime() < Date.now() ? date.toISOString() : undefined
  })
  const opened = ref(Boolean(at.value))
  /** The moment to ask about: what is chosen, or now as it was when the choice was opened. */
  const asked = ref<string | undefined>(at.value ?? undefined)
  watch([at, opened], () => (asked.value = at.value ?? (opened.value ? new Date().toISOString() : undefined)), { immediate: true })
  const choose = (moment: string | undefined) => router.replace({ query: { ...route.query, at: moment } })
  function toggle() {
    opened.value = !opened.value
    if (!opened.value) void choose(undefined)
  }
  return { at, asked, opened, choose, toggle }
}

/** The text of a date and time field, in the company's zone, and back. */
export function toField(date: Date): string {
  const { year, month, day, hour, minute } = wall(date)
  return `${year}-${pad(month)}-${pad(day)}T${pad(hour)}:${pad(minute)}`
}
export function fromField(text: string): Date | undefined {
  const found = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d)/.exec(text)
  if (!found) return undefined
  const [year, month, day, hour, minute] = found.slice(1).map(Number) as [number, number, number, number, number]
  return instant(year, month, day, hour, minute)
}
