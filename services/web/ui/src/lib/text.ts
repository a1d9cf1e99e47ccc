// Texts that the server made, in both languages or in Chinese, read in the reader's language.
import { useI18n } from 'vue-i18n'
import { inEnglish, linesInEnglish } from '@/lib/made'

export type ServerText = string | { zh: string; en: string } | null | undefined

export function pick(text: ServerText, language: string): string {
  if (!text) return ''
  if (typeof text === 'string') return language === 'en' ? inEnglish(text) : text
  return language === 'en' ? text.en || text.zh : text.zh || text.en
}

export function useText() {
  const { locale } = useI18n()
  return (text: ServerText) => pick(text, locale.value)
}

export function useDocumentText() {
  const { locale } = useI18n()
  return (body: string) => (locale.value === 'en' ? linesInEnglish(body) : body)
}
