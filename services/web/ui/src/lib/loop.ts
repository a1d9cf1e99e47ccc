// The loop of a change: how far each of its five stages is, and which of them waits for the reader.

export const STAGES = ['release', 'lock', 'retest', 'report', 'close'] as const
export type StageName = (typeof STAGES)[number]
export type StageState = 'done' | 'running' | 'waiting' | 'closed' | 'open'

export interface Stage {
  name: StageName
  share: number
  state: StageState
}

export interface LoopFacts {
  applied: boolean
  closed: boolean
  cards: number
  answered: number
  reported: number
  /** Cards that wait for the reader's own answer. */
  waitingForReader: number
}

const share = (part: number, whole: number) => (whole === 0 ? 1 : Math.min(1, part / whole))

function stage(name: StageName, done: number, waiting = false): Stage {
  if (done >= 1) return { name, share: 1, state: 'done' }
  if (waiting) return { name, share: Math.max(done, 0.5), state: 'waiting' }
  return { name, share: done, state: done > 0 ? 'running' : 'open' }
}

export function loopOf(facts: LoopFacts): Stage[] {
  if (facts.closed) return STAGES.map((name) => ({ name, share: 1, state: 'closed' }))
  // a reported card needs no answer any more
  const handled = Math.max(facts.answered, facts.reported)
  const applied = facts.applied ? 1 : 0
  return [
    stage('release', 1),
    stage('lock', applied),
    stage('retest', applied && share(handled, facts.cards), facts.waitingForReader > 0),
    stage('report', applied && share(facts.reported, facts.cards)),
    stage('close', 0),
  ]
}
