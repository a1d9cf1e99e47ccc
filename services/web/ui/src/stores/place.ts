// The name of the object on screen, for the top bar and the window title.
import { defineStore } from 'pinia'
import { onBeforeUnmount, ref, watchEffect } from 'vue'
import { useI18n } from 'vue-i18n'

export const usePlace = defineStore('place', () => {
  const name = ref('')
  return { name }
})

/** The page's sentence becomes the window title; `name` stands in the top bar. */
export function useTitle(title: () => string, name: () => string = () => ''): void {
  const place = usePlace()
  const { t } = useI18n()
  watchEffect(() => {
    place.name = name()
    document.title = title() ? `${title()} · ${t('frame.product')}` : t('frame.product')
  })
  onBeforeUnmount(() => (place.name = ''))
}
