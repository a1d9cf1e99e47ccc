// One typed client for each service, from its own OpenAPI description.
import createClient from 'openapi-fetch'
import { send } from './http'
import type { paths as AnalyticsPaths } from './schema/analytics'
import type { paths as ChangesPaths } from './schema/changes'
import type { paths as FeedbackPaths } from './schema/feedback'
import type { paths as GoalsPaths } from './schema/goals'
import type { paths as IntakePaths } from './schema/intake'
import type { paths as NotifyPaths } from './schema/notify'
import type { paths as WebPaths } from './schema/web'

const options = { baseUrl: window.location.origin, fetch: (request: Request) => send(request) }

export const analytics = createClient<AnalyticsPaths>(options)
export const goals = createClient<GoalsPaths>(options)
export const changes = createClient<ChangesPaths>(options)
export const notify = createClient<NotifyPaths>(options)
export const feedback = createClient<FeedbackPaths>(options)
export const intake = createClient<IntakePaths>(options)
export const web = createClient<WebPaths>(options)
