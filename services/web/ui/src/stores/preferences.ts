// What the reader has chosen for this browser: theme, language, keyboard jumps.
import { defineStore } from 'pinia'
import { ref, watch } from 'vue'
import { speak, type Language } from '@/lib/i18n'

const KEY = 'bihuan.preferences'

interface Kept {
  theme?: 'light' | 'dark'
  language?: Language
  jumps?: boolean
}

function kept(): Kept {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? '{}') as Kept
  } catch {
    return {}
  }
}

export function languageInUse(): Language {
  return kept().language === 'en' ? 'en' : 'zh'
}

export const usePreferences = defineStore('preferences', () => {
  const first = kept()
  const theme = ref(first.theme ?? (document.documentElement.dataset.theme === 'dark' ? 'dark' : 'light'))
  const language = ref<Language>(first.language ?? 'zh')
  const jumps = ref(first.jumps ?? true)

  function save() {
    localStorage.setItem(KEY, JSON.stringify({ theme: theme.value, language: language.value, jumps: jumps.value }))
  }
  watch(theme, (value) => {
    document.documentElement.dataset.theme = value
    save()
  })
  watch(language, (value) => {
    save()
    void speak(value)
  })
  watch(jumps, save)

  return {
    theme,
    language,
    jumps,
    toggleTheme: () => (theme.value = theme.value === 'dark' ? 'light' : 'dark'),
    toggleLanguage: () => (language.value = language.value === 'zh' ? 'en' : 'zh'),
  }
})
