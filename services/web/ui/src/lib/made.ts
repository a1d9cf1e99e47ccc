// Texts that the system stores in Chinese (the title of a retest card …), known by their form and said in English.
// What somebody has reworded has that form no longer and stays as it was typed (docs/adr/0032).
import { i18n } from '@/lib/i18n'
import consent from '@/locales/zh/consent.json'
import made from '@/locales/zh/made.json'

type Form = readonly [key: string, form: RegExp]

/** What is one word in a text; the rest may be anything. */
const WORDS: Record<string, string> = { version: '[^\\s，。：]+', number: '[^\\s，。：]+', code: '[^\\s，。：]+', item: '(?:`[^`]+`|<code>[^<]+</code>)', by: '(?:`[^`]+`|<code>[^<]+</code>)', quantity: '[\\d.]+', before: '[\\d.]+' }
const CHINESE = /[\u4e00-\u9fff]/
const { line, ...whole } = made
const TEXTS = [...forms('made', whole), ...forms('consent.actionOf_', consent.actionOf_)]
const LINES = forms('made.line', line)

function forms(group: string, texts: Record<string, string>): Form[] {
  return Object.entries(texts).map(([key, text]) => [`${group}.${key}`, pattern(text)])
}

function pattern(text: string): RegExp {
  const parts = text.split(/\{(\w+)\}/).map((part, at) => (at % 2 ? `(?<${part}>${WORDS[part] ?? '.+'})` : part))
  return new RegExp(`^${parts.join('')}$`, 's')
}

function say(text: string, known: readonly Form[]): string {
  for (const [key, form] of known) {
    const found = form.exec(text)
    if (found) return i18n.global.t(key, Object.fromEntries(Object.entries(found.groups ?? {}).map(([name, value]) => [name, inEnglish(value)])), { locale: 'en' })
  }
  return text
}

export function inEnglish(text: string): string {
  return CHINESE.test(text) ? say(text, TEXTS) : text
}

/** A technical document, as Markdown or as it was rendered: the lines that a change has added to it. */
export function linesInEnglish(body: string): string {
  return body.replace(/^(- |<li>)(.+?)(<\/li>)?$/gm, (_, before: string, text: string, after = '') => `${before}${say(text, LINES)}${after}`)
}
