import { mount } from '@vue/test-utils'
import { createI18n } from 'vue-i18n'
import { describe, expect, it } from 'vitest'
import en from '@/locales/en'
import { resolvedWeights } from '@/lib/weights'
import { restOf } from '@/pages/tree-edit/nodes'
import RestLine from '@/pages/tree-edit/RestLine.vue'

describe('weights of siblings (G1, G2)', () => {
  it('that nobody has set share what is left to 100', () => {
    expect(resolvedWeights(['40', null, undefined, '20'])).toEqual([40, 20, 20, 20])
    expect(resolvedWeights([null, null, null, null])).toEqual([25, 25, 25, 25])
  })
  it('that are set stay, also where nothing is left', () => {
    expect(resolvedWeights([60, 40, null])).toEqual([60, 40, 0])
    expect(resolvedWeights([0, '7.5'])).toEqual([0, 7.5])
    expect(resolvedWeights([])).toEqual([])
  })
})

describe('what weights leave of 100 (G1)', () => {
  const global = { plugins: [createI18n({ legacy: false, locale: 'en', messages: { en } })] }
  const said = (...weights: (number | undefined)[]) => mount(RestLine, { props: { level: 0, rest: restOf(weights), of: 'tasks' }, global }).text()
  it('is told where somebody shares it, where nobody does, and where there is nobody', () => {
    expect(said(40, undefined, undefined)).toBe('Tasks: 60% left, 2 without a weight get 30% each')
    expect(said(40)).toMatch(/^60% is left and nobody shares it/)
    expect(said(40, 70)).toBe('Over 100 by 10%')
    expect(said(40, 60)).toBe('Exactly 100')
    expect(said()).toBe('No task yet')
  })
})
