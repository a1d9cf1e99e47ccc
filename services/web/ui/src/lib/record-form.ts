// A form over a record that others may edit too: it is held against what it began with, and a stale save shows both.
import { computed, ref, shallowRef, type Ref } from 'vue'
import { useActing } from './acting'
import { atStake, merged, type ConflictRow } from './conflict'

interface How<R, F> {
  blank: F
  formOf: (record: R) => F
  label: (field: keyof F & string) => string
  /** A field's value as the reader knows it. */
  words: (field: keyof F & string, value: F[keyof F & string]) => string
  /** Running texts, of which both versions can be kept. */
  texts?: readonly (keyof F & string)[]
  /** The record in a refusal, where it does not stand in `current`. */
  newest?: (body: Record<string, unknown>) => R | undefined
}

export function useRecordForm<R, F extends object>({ blank, formOf, label, words, texts = [], newest = (body) => body.current as R }: How<R, F>) {
  type Fields = Record<string, unknown>
  /** The record that the form began with. */
  const base = shallowRef<R>()
  const form = ref(blank) as Ref<F>
  /** The record as somebody else has made it meanwhile. */
  const theirs = shallowRef<R>()
  const { busy, refusal, act } = useActing()

  const stake = computed<ConflictRow[]>(() => {
    if (!theirs.value || !base.value) return []
    const now = formOf(theirs.value)
    const fields = atStake(formOf(base.value) as Fields, now as Fields, form.value as Fields) as (keyof F & string)[]
    return fields.map((name) => ({ name, label: label(name), theirs: words(name, now[name]), mine: words(name, form.value[name]), joins: texts.includes(name) }))
  })
  function start(record: R) {
    base.value = record
    form.value = formOf(record)
    theirs.value = undefined
  }
  /** What the service has kept; undefined where it refused, which `refusal` or `theirs` tells. */
  async function save(send: () => Promise<R>): Promise<R | undefined> {
    let kept: R | undefined
    await act(async () => (kept = await send()))
    if (refusal.value?.code === 'stale') {
      theirs.value = newest(refusal.value.body)
      if (theirs.value) refusal.value = undefined
    }
    return kept
  }
  /** Lays the reader's own fields over the newest record; those at stake and not wanted are given up, and returned. */
  function layOver(wanted: readonly string[], joined: readonly string[] = []): string[] {
    const now = theirs.value!
    const givenUp = stake.value.map((row) => row.name).filter((name) => !wanted.includes(name))
    const both = Object.fromEntries(joined.map((name) => [name, `${(formOf(now) as Fields)[name]}\n\n${(form.value as Fields)[name]}`]))
    form.value = { ...merged(formOf(base.value!) as Fields, formOf(now) as Fields, form.value as Fields, givenUp), ...both } as F
    base.value = now
    theirs.value = undefined
    return givenUp
  }
  return { base, form, theirs, stake, busy, refusal, start, save, layOver }
}
