// Texts that the server made in both languages, read in the reader's language.
import { useI18n } from 'vue-i18n'

export type ServerText = string | { zh: string; en: string } | null | undefined

export function pick(text: ServerText, language: string): string {
  if (!text) return ''
  if (typeof text === 'string') return text
  return language === 'en' ? text.en || text.zh : text.zh || text.en
}

export function useText() {
  const { locale } = useI18n()
  return (text: ServerText) => pick(text, locale.value)
}
