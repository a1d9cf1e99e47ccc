// W1: one of a thing is never counted in the plural, and a phone does not say twice what somebody is.
import { createI18n } from 'vue-i18n'
import { expect, it } from 'vitest'
import en from '@/locales/en'
import { saysMore } from '@/pages/people/staff'

const { t } = createI18n({ legacy: false, locale: 'en', messages: { en } }).global

it.each([
  ['week.left', '1 working day left', '2 working days left'],
  ['week.tasks', '1 task', '2 tasks'],
  ['change.rows', '1 row', '2 rows'],
  ['change.reportsLeft', '1 report missing', '2 reports missing'],
  ['plan.slackDays', '1 working day', '2 working days'],
  ['plan.delays', 'delivery slips 1 day', 'delivery slips 2 days'],
  ['template.lasts', '1 day', '2 days'],
  ['integration.attempts', '1 attempt', '2 attempts'],
])('%s', (key, one, two) => {
  expect(t(key, { n: 1 }, 1)).toBe(one)
  expect(t(key, { n: 2 }, 2)).toBe(two)
})

it('names roles beside a position only where they say more', () => {
  expect(saysMore({ title: '项目负责人' }, '项目负责人')).toBe(false)
  expect(saysMore({ title: '研发总监' }, '主管、总监')).toBe(true)
  expect(saysMore({ title: '电气工程师' }, '')).toBe(false)
})
