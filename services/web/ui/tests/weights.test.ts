import { describe, expect, it } from 'vitest'
import { resolvedWeights } from '@/lib/weights'

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
