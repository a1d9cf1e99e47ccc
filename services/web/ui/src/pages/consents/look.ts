// How answers and states of a matrix look: shape, word and colour together.
import type { IconName } from '@/components/icons'
import type { Tone } from '@/components/BhStatus.vue'
import type { Adjustment, Matrix, MatrixSummary, Row } from '@/api/consents'

export interface Look {
  tone: Tone
  icon: IconName
  /** Last part of the text's key. */
  word: string
}

const ANSWERS: Record<string, Look> = {
  accepted: { tone: 'green', icon: 'passed', word: 'accepted' },
  negotiating: { tone: 'amber', icon: 'talk', word: 'negotiating' },
  rejected: { tone: 'red', icon: 'failed', word: 'rejected' },
  overridden: { tone: 'blue', icon: 'shield', word: 'overridden' },
}

export function answerLook(row: Pick<Row, 'answer' | 'escalated' | 'person'>, me: string, open: boolean): Look {
  const known = ANSWERS[row.answer]
  if (known) return known
  if (row.escalated) return { tone: 'red', icon: 'clock', word: 'overdue' }
  if (open && row.person === me) return { tone: 'sig', icon: 'flag', word: 'yours' }
  return { tone: 'gray', icon: 'clock', word: open ? 'waiting' : 'notAsked' }
}

export function stateLook(matrix: Pick<MatrixSummary, 'state' | 'revision'>): Look {
  switch (matrix.state) {
    case 'settled':
      return { tone: 'green', icon: 'passed', word: 'settled' }
    case 'withdrawn':
      return { tone: 'gray', icon: 'close', word: 'withdrawn' }
    case 'open':
      return { tone: 'amber', icon: 'warning', word: 'open' }
  }
  return { tone: 'gray', icon: 'file', word: matrix.revision ? 'reworked' : 'draft' }
}

/** How many answered how, for the line above the table. */
export function counts(rows: readonly Pick<Row, 'answer'>[]): Record<'agreed' | 'negotiating' | 'rejected' | 'silent', number> {
  const of = (...answers: string[]) => rows.filter((row) => answers.includes(row.answer)).length
  return { agreed: of('accepted', 'overridden'), negotiating: of('negotiating'), rejected: of('rejected'), silent: of('silent') }
}

/** Whom the arbiter may decide about now. */
export const mayBeDecided = (matrix: Matrix, row: Row): boolean => matrix.may_decide && (row.answer === 'negotiating' || row.answer === 'rejected' || (row.answer === 'silent' && row.escalated))

/** One entry of the revision table for each time that everybody was asked. */
export const revisionsOf = (matrix: Matrix) => matrix.thread.filter((line) => line.kind === 'sent')

/** A moved target as BhTargetChange shows it: owners by name. */
export function asChange(one: Adjustment) {
  const owner = one.field === 'owner'
  return { field: one.field, old: owner ? (one.old_name ?? one.old) : one.old, new: owner ? (one.new_name ?? one.new) : one.new }
}
