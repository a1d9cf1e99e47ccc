// Links of a table: followed inside the application, left to the browser when meant for another tab.
import { mount } from '@vue/test-utils'
import { describe, expect, it, vi } from 'vitest'
import { useInnerLinks } from '@/lib/links'

const push = vi.fn()
vi.mock('vue-router', () => ({ useRouter: () => ({ push }) }))

/** Whether a click there was taken from the browser. */
function click(selector: string, how: MouseEventInit = {}): boolean {
  push.mockClear()
  let taken = false
  const table = mount({
    setup() {
      const follow = useInnerLinks()
      const hear = (event: MouseEvent) => {
        follow(event)
        taken = event.defaultPrevented
        event.preventDefault()
      }
      return { hear }
    },
    template: `<p @click="hear"><a href="/tasks/1"><b>T-1</b></a><a class="out" href="https://example.org/">E</a><i>I</i></p>`,
  })
  table.get(selector).element.dispatchEvent(new MouseEvent('click', { bubbles: true, cancelable: true, ...how }))
  return taken
}

describe('links of a table', () => {
  it('are followed without loading the page anew', () => {
    expect(click('b')).toBe(true)
    expect(push).toHaveBeenCalledWith('/tasks/1')
  })
  it.each([{ ctrlKey: true }, { metaKey: true }, { shiftKey: true }, { altKey: true }, { button: 1 }])('are left to the browser with %o', (how) => {
    expect(click('b', how)).toBe(false)
    expect(push).not.toHaveBeenCalled()
  })
  it.each(['i', '.out'])('leave %s alone', (what) => {
    expect(click(what)).toBe(false)
    expect(push).not.toHaveBeenCalled()
  })
})
