// Days and moments as a field holds them (2026-03-11, 2026-03-11T14:30), from whatever somebody types.
const pad = (value: string) => value.padStart(2, '0')
// also with the signs for year, month and day, and the wide colon
const SHAPES = [/^(\d{4})[-/.\u5e74](\d{1,2})[-/.\u6708](\d{1,2})\u65e5?(?:[T\s]+(\d{1,2})[:\uff1a](\d{2}))?$/, /^(\d{4})(\d{2})(\d{2})(?:[T\s]+(\d{2}):?(\d{2}))?$/]

/** Undefined when it names no day (or, with `time`, no moment) of the calendar. */
export function readDay(text: string, time = false): string | undefined {
  const found = SHAPES.map((shape) => shape.exec(text.trim())).find(Boolean)
  if (!found || (time && found[4] === undefined)) return undefined
  const [year, month, day, hour, minute] = found.slice(1) as string[]
  const iso = `${year}-${pad(month!)}-${pad(day!)}`
  if (new Date(`${iso}T00:00Z`).toJSON()?.slice(0, 10) !== iso) return undefined
  if (!time) return iso
  return Number(hour) < 24 && Number(minute) < 60 ? `${iso}T${pad(hour!)}:${minute}` : undefined
}

/** As it stands in the field. */
export const writeDay = (value: string): string => value.replace('T', ' ').slice(0, 16)
