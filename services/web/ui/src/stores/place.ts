// The name of the object on screen, for the top bar and the window title.
import { defineStore } from 'pinia'
import { onBeforeUnmount, ref, watchEffect } from 'vue'
import { useI18n } from 'vue-i18n'
import { whenPainted } from '@/lib/growing'

export const usePlace = defineStore('place', () => {
  const name = ref('')
  return { name }
})

/** The page's sentence becomes the window title; `name` stands in the top bar. */
export function useTitle(title: () => string, name: () => string = () => ''): void {
  const place = usePlace()
  const { t } = useI18n()
  let alive = true
  watchEffect(() => {
    place.name = name()
    const words = title() ? `${title()} · ${t('frame.product')}` : t('frame.product')
    // telling the browser takes as long as drawing a dozen rows, and nothing on the page waits for it
    void whenPainted().then(() => alive && (document.title = words))
  })
  onBeforeUnmount(() => {
    alive = false
    place.name = ''
  })
}
