// Starts the application: language first, then the session, then the page.
import { createPinia } from 'pinia'
import { createApp } from 'vue'
import { notifyManager, QueryClient, VueQueryPlugin } from '@tanstack/vue-query'
import App from './App.vue'
import { Problem } from '@/api/problem'
import { i18n, speak } from '@/lib/i18n'
import { router } from '@/router'
import { languageInUse } from '@/stores/preferences'

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      // answers are replaced, never changed: making each of their fields reactive would cost more than drawing them
      shallow: true,
      staleTime: 10_000,
      gcTime: 30 * 60_000,
      refetchOnWindowFocus: true,
      // the live stream says what is stale; a slow poll covers a lost message
      refetchInterval: 60_000,
      retry: (failures, error) => !(error instanceof Problem && error.status < 500) && failures < 2,
      // asking while offline must fail, so that the band shows and the kept data stays
      networkMode: 'always',
    },
    mutations: { networkMode: 'always' },
  },
})

// an answer is drawn in the turn of the browser it came in, not in a later one
notifyManager.setScheduler(queueMicrotask)
await speak(languageInUse())
createApp(App).use(createPinia()).use(i18n).use(router).use(VueQueryPlugin, { queryClient: queries }).mount('#app')
