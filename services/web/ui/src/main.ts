// The styles, and the empty frame of index.html on the screen; the application runs right after that has been painted.
import '@/styles/tokens.css'
import '@/styles/base.css'
import '@/styles/frame.css'
import '@/styles/sheet.css'
import '@/styles/controls.css'
import '@/styles/status.css'
import '@/styles/table.css'
import '@/styles/drawing.css'
import '@/styles/phone.css'

function start() {
  void import('./start')
  // the landing page comes with the application instead of after it; a failure shows when the router asks for it
  if (location.pathname === '/') import('@/pages/week/WeekPage.vue').catch(() => undefined)
}
// a page that nobody sees has no frames
if (document.hidden) start()
else requestAnimationFrame(() => setTimeout(start))
