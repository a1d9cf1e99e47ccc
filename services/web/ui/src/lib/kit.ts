// The words of the component kit in the reader's language; each language is fetched when it is needed.
import { ref, watch, type Ref } from 'vue'
import type { Language as KitLanguage } from 'element-plus/es/locale'
import { usePreferences } from '@/stores/preferences'

export function kitWords(): Ref<KitLanguage | undefined> {
  const preferences = usePreferences()
  const words = ref<KitLanguage>()
  watch(
    () => preferences.language,
    async (language) => {
      const found = language === 'en' ? await import('element-plus/es/locale/lang/en') : await import('element-plus/es/locale/lang/zh-cn')
      words.value = found.default
    },
    { immediate: true },
  )
  return words
}
