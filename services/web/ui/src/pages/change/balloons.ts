// Balloons: pointing at one marks the same number everywhere on the page.
import { onBeforeUnmount, onMounted, type Ref } from 'vue'

export function useBalloons(sheet: Ref<HTMLElement | undefined>): void {
  const mark = (on: boolean) => (event: Event) => {
    const near = (event.target as Element | null)?.closest<HTMLElement>('[data-b]')
    if (near?.dataset.b) sheet.value?.querySelectorAll(`[data-b="${CSS.escape(near.dataset.b)}"]`).forEach((one) => one.classList.toggle('hot', on))
  }
  const listeners = [
    ['mouseover', mark(true)],
    ['mouseout', mark(false)],
    ['focusin', mark(true)],
    ['focusout', mark(false)],
  ] as const
  onMounted(() => listeners.forEach(([name, listener]) => document.addEventListener(name, listener)))
  onBeforeUnmount(() => listeners.forEach(([name, listener]) => document.removeEventListener(name, listener)))
}
