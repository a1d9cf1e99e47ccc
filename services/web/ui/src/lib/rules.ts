// How conditions and effects of decision tables read, in the reader's language, by the service's own catalogue.
import { computed, type Ref } from 'vue'
import { useI18n } from 'vue-i18n'
import { useTables, type Catalogue, type Condition, type Field } from '@/api/rules'
import { useText } from './text'

const BRACKETS: Record<string, readonly [string, string]> = { between: ['[', ']'], until: ['[', ')'], after: ['(', ']'], within: ['(', ')'] }
const SIGNS: Record<string, string> = { eq: '=', ne: '≠', lt: '<', le: '≤', gt: '>', ge: '≥' }
const QUIET = new Set(['in', 'is'])

export function useRuleWords(catalogue: Ref<Catalogue | undefined>) {
  const { t } = useI18n()
  const text = useText()
  const fields = computed(() => new Map(catalogue.value?.fields.map((field) => [field.name, field])))
  const operators = computed(() => new Map(catalogue.value?.operators.map((one) => [one.name, one])))
  const effects = computed(() => new Map(catalogue.value?.effects.map((one) => [one.name, one])))
  const join = (values: readonly string[]) => values.join(t('rules.comma'))

  const fieldLabel = (name: string) => text(fields.value.get(name)?.label) || name
  const effectLabel = (name: string) => text(effects.value.get(name)?.label) || name
  const operatorLabel = (name: string) => SIGNS[name] ?? (name in BRACKETS ? `${BRACKETS[name]![0]}…${BRACKETS[name]![1]}` : text(operators.value.get(name)?.label))
  const yesNo = (value: string) => (value === 'yes' ? t('rules.yes') : t('rules.no'))

  function value(name: string, given: string): string {
    const field = fields.value.get(name)
    if (field?.kind === 'yes_no') return yesNo(given)
    return text(field?.choices.find((choice) => choice.value === given)?.label) || given
  }
  function unit(field: Field | undefined): string {
    return field?.unit ? `\u00a0${text(field.unit)}` : ''
  }
  function condition(name: string, given: Condition | undefined): string {
    if (!given) return t('rules.any')
    const field = fields.value.get(name)
    if (given.op in BRACKETS) {
      const [open, close] = BRACKETS[given.op]!
      return `${open}${given.values.join(', ')}${close}${unit(field)}`
    }
    if (given.op in SIGNS) return `${SIGNS[given.op]} ${given.values[0] ?? ''}${unit(field)}`
    const values = join(given.values.map((one) => value(name, one)))
    return QUIET.has(given.op) ? values : [operatorLabel(given.op), values].filter(Boolean).join(' ')
  }
  /** The value of a fact of a test or a past moment. */
  function fact(name: string, values: readonly string[] | undefined): string {
    const field = fields.value.get(name)
    if (!values?.length) return field?.kind === 'yes_no' ? t('rules.no') : field?.kind === 'set' ? '—' : t('rules.unknown')
    return join(values.map((one) => value(name, one))) + unit(field)
  }
  function told(target: string): string {
    const [kind, who] = target.split(':')
    if (kind === 'department') return t('rules.department', { code: who ?? '' })
    if (kind === 'person') return t('rules.person', { id: who ?? '' })
    return text(effects.value.get('tell')?.choices.find((choice) => choice.value === target)?.label) || target
  }
  function effect(name: string, values: readonly string[] | undefined): string {
    const first = values?.[0]
    if (!values?.length || first === undefined) return '—'
    if (name === 'tell') return values.map(told).join(' + ')
    if (name === 'hours_factor') return `× ${first}`
    if (name === 'due_days') return t('rules.days', { n: first })
    if (name === 'must_confirm') return yesNo(first)
    if (name === 'consent') return first.startsWith('over:') ? t(first.endsWith(':unknown') ? 'rules.overOrUnknown' : 'rules.over', { n: first.split(':')[1] ?? '' }) : yesNo(first)
    return text(effects.value.get(name)?.choices.find((choice) => choice.value === first)?.label) || first
  }
  /** Facts or conditions as one sentence: what makes the case. */
  function example(facts: Record<string, readonly string[]> | null | undefined): string {
    return Object.entries(facts ?? {}).map(([name, values]) => `${fieldLabel(name)} ${fact(name, values)}`).join(t('rules.and'))
  }
  function conditions(when: Record<string, Condition>): string {
    return Object.entries(when).map(([name, one]) => `${fieldLabel(name)} ${condition(name, one)}`).join(t('rules.and'))
  }
  return { fields, operators, effects, fieldLabel, effectLabel, operatorLabel, value, condition, fact, told, effect, example, conditions }
}

export type RuleWords = ReturnType<typeof useRuleWords>

/** `table/row` as the title of the table; its own name while the titles are away. */
export function useRuleTitles() {
  const text = useText()
  const query = useTables()
  const titles = computed(() => new Map(query.data.value?.tables.map((table) => [table.name, table.title])))
  return (rule: string) => {
    const [table = rule] = rule.split('/')
    return text(titles.value.get(table)) || table
  }
}
