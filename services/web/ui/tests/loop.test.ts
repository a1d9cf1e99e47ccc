// The loop ring says how far a change is, and what waits for whom.
import { describe, expect, it } from 'vitest'
import { loopOf } from '@/lib/loop'

const facts = { applied: true, closed: false, cards: 5, answered: 3, reported: 2, waitingForReader: 0 }
const states = (given: Partial<typeof facts>) => loopOf({ ...facts, ...given }).map((stage) => stage.state)

describe('the loop of a change', () => {
  it('stands at release until the change is applied', () => {
    expect(states({ applied: false, answered: 0, reported: 0 })).toEqual(['done', 'open', 'open', 'open', 'open'])
  })
  it('runs through retest and report by their shares', () => {
    const loop = loopOf(facts)
    expect(loop.map((stage) => stage.state)).toEqual(['done', 'done', 'running', 'running', 'open'])
    expect(loop[2]!.share).toBeCloseTo(0.6)
    expect(loop[3]!.share).toBeCloseTo(0.4)
  })
  it('shows vermilion only for cards that wait for the reader', () => {
    expect(states({ waitingForReader: 1 })[2]).toBe('waiting')
  })
  it('counts a reported card as answered', () => {
    expect(states({ answered: 0, reported: 5 }).slice(2, 4)).toEqual(['done', 'done'])
  })
  it('is complete at once when nothing has to be retested', () => {
    expect(states({ cards: 0, answered: 0, reported: 0 }).slice(2, 4)).toEqual(['done', 'done'])
  })
  it('is all green only when closed', () => {
    expect(states({ closed: true })).toEqual(Array(5).fill('closed'))
  })
})
