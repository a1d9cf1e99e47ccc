// Drawn instruments say in words what they show.
import { mount } from '@vue/test-utils'
import { createI18n } from 'vue-i18n'
import { describe, expect, it } from 'vitest'
import BhHeatCell from '@/components/BhHeatCell.vue'
import BhLoopRing from '@/components/BhLoopRing.vue'
import BhStrokeClock from '@/components/BhStrokeClock.vue'
import BhVersionChange from '@/components/BhVersionChange.vue'
import BhWeightDial from '@/components/BhWeightDial.vue'
import en from '@/locales/en'
import { loopOf } from '@/lib/loop'

const global = { plugins: [createI18n({ legacy: false, locale: 'en', messages: { en } })] }

describe('text alternatives', () => {
  it('the ring names each stage and its share', () => {
    const stages = loopOf({ applied: true, closed: false, cards: 2, answered: 1, reported: 0, waitingForReader: 0 })
    const label = mount(BhLoopRing, { props: { stages }, global }).attributes('aria-label')
    expect(label).toContain('Retest 50%')
    expect(label).toContain('Report 0%')
  })
  it('the clock tells people, median, slowest and misses', () => {
    const strokes = [0.4, 0.8, 130].map((seconds, index) => ({ person: String(index), name: `P${index}`, seconds }))
    const clock = mount(BhStrokeClock, { props: { strokes }, global })
    expect(clock.attributes('aria-label')).toMatch(/3 people, median 0\.80\u00a0s.*1 too late/)
    expect(clock.findAll('g.stroke')).toHaveLength(2)
  })
  it('the dial says share, earned and late', () => {
    const dial = mount(BhWeightDial, { props: { share: 18.4, earned: 8.6, late: 2.1, caption: 'of it' }, global })
    expect(dial.attributes('aria-label')).toBe('18.4% of it, 8.6% earned, 2.1% late')
  })
  it('a heat cell has word, figure and n', () => {
    expect(mount(BhHeatCell, { props: { share: 71, count: 7 }, global }).text()).toContain('71% Low, n=7')
    expect(mount(BhHeatCell, { props: {}, global }).text()).toContain('No data')
  })
})

it('a first value has no old one', () => {
  expect(mount(BhVersionChange, { props: { new: 'V1.0' } }).find('s').exists()).toBe(false)
})
