// The two languages: Chinese comes with the application, English is fetched when it is asked for.
import { createI18n } from 'vue-i18n'
import zh from '@/locales/zh'

export type Language = 'zh' | 'en'

export const i18n = createI18n({
  legacy: false,
  locale: 'zh',
  fallbackLocale: 'zh',
  messages: { zh } as Record<string, typeof zh>,
})

export async function speak(language: Language): Promise<void> {
  if (language === 'en' && !i18n.global.availableLocales.includes('en')) {
    const en = await import('@/locales/en')
    i18n.global.setLocaleMessage('en', en.default)
  }
  i18n.global.locale.value = language
  document.documentElement.lang = language === 'en' ? 'en' : 'zh-CN'
}
