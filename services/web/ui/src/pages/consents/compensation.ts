// A compensation in words: 1 day of rest, 20 points, 4 h of help from 孟言.
import { useI18n } from 'vue-i18n'
import { figure } from '@/lib/format'
import type { Compensation } from '@/api/consents'

export function useCompensation() {
  const { t } = useI18n()
  return (given: Compensation | null | undefined, helper?: string | null): string => {
    if (!given) return '—'
    return t(`consent.given.${given.kind}`, { n: figure(given.amount), helper: helper ?? given.helper ?? '' })
  }
}
