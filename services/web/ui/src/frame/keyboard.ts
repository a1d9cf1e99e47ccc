// Keyboard jumps: G then a letter goes to a panel, / searches, ? explains. Off inside inputs, and by preference.
import { onBeforeUnmount, onMounted } from 'vue'
import { usePreferences } from '@/stores/preferences'

export function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
}

export function goToPanel(letter: string): boolean {
  const panel = document.querySelector<HTMLElement>(`[data-letter="${letter.toUpperCase()}"]`)
  if (!panel) return false
  panel.scrollIntoView({ block: 'start', behavior: matchMedia('(prefers-reduced-motion: reduce)').matches ? 'auto' : 'smooth' })
  panel.focus({ preventScroll: true })
  return true
}

const LETTER_WITHIN = 1500

export function useKeys(actions: { search: () => void; help: () => void }): void {
  const preferences = usePreferences()
  let jumpAt = 0

  function press(event: KeyboardEvent) {
    if (!preferences.jumps || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return
    if (document.querySelector('dialog[open]')) return
    if (Date.now() - jumpAt < LETTER_WITHIN && /^[a-z]$/i.test(event.key)) {
      jumpAt = 0
      if (goToPanel(event.key)) event.preventDefault()
    } else if (event.key === 'g' || event.key === 'G') jumpAt = Date.now()
    else if (event.key === '/') {
      event.preventDefault()
      actions.search()
    } else if (event.key === '?') actions.help()
  }
  onMounted(() => window.addEventListener('keydown', press))
  onBeforeUnmount(() => window.removeEventListener('keydown', press))
}

/** Single keys of one page, such as J, K and E of the inbox. */
export function usePageKeys(keys: Record<string, () => void>): void {
  const preferences = usePreferences()
  function press(event: KeyboardEvent) {
    if (!preferences.jumps || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return
    if (document.querySelector('dialog[open]')) return
    const act = keys[event.key.toLowerCase()]
    if (!act) return
    event.preventDefault()
    act()
  }
  onMounted(() => window.addEventListener('keydown', press))
  onBeforeUnmount(() => window.removeEventListener('keydown', press))
}
