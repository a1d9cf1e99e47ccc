// What is typed and not yet sent, kept in this tab: a session that ends, or a page left by mistake, costs no words.
import { ref, watch, type Ref } from 'vue'
import { useSession } from '@/stores/session'

const PREFIX = 'bihuan.draft.'

/** Drafts are their writer's: whoever signs in next in this tab sees none of them. */
const place = (key: string) => `${PREFIX}${useSession().id}.${key}`

export function keepDraft(key: string, value: unknown): void {
  try {
    sessionStorage.setItem(place(key), JSON.stringify(value))
  } catch {
    // a full or forbidden storage only means that nothing is kept
  }
}
export function draftOf<T>(key: string): T | undefined {
  try {
    return (JSON.parse(sessionStorage.getItem(place(key)) ?? 'null') as T | null) ?? undefined
  } catch {
    return undefined
  }
}
export function dropDraft(key: string): void {
  sessionStorage.removeItem(place(key))
}
/** At a sign-out that is meant, nothing stays behind. */
export function dropAllDrafts(): void {
  for (const name of Object.keys(sessionStorage)) if (name.startsWith(PREFIX)) sessionStorage.removeItem(name)
}

/** Keeps a form of words as it is typed; `restored` says that it came back, `clear` forgets it. */
export function useDraft<T extends Record<string, unknown>>(key: string, form: T): { restored: Ref<boolean>; clear: () => void } {
  const blank = JSON.stringify(form)
  const before = draftOf<Partial<T>>(key)
  const restored = ref(before !== undefined)
  if (before) for (const name of Object.keys(form)) if (name in before) Object.assign(form, { [name]: before[name] })
  let sent = false
  watch(form, (value) => {
    if (sent) return
    if (JSON.stringify(value) === blank) dropDraft(key)
    else keepDraft(key, value)
  })
  return {
    restored,
    clear() {
      sent = true
      restored.value = false
      dropDraft(key)
    },
  }
}
