// Refusals of the services (RFC 9457 problems), and what the reader sees of them.

export interface FieldError {
  field: string
  code: string
  message: string
}

interface ProblemBody {
  code?: string
  title?: string
  detail?: string
  errors?: FieldError[]
  current?: unknown
  [key: string]: unknown
}

export class Problem extends Error {
  readonly status: number
  readonly code: string
  readonly errors: FieldError[]
  readonly body: ProblemBody

  constructor(status: number, body: ProblemBody) {
    super(body.detail || body.title || body.code || String(status))
    this.status = status
    this.code = body.code ?? `http-${status}`
    this.errors = Array.isArray(body.errors) ? body.errors : []
    this.body = body
  }

  /** The message that belongs to one field, also when the service names it with its path (body.version). */
  field(name: string): string | undefined {
    return this.errors.find((error) => error.field === name || error.field.endsWith(`.${name}`))?.message
  }
}

/** The network did not answer at all. */
export class Unreachable extends Error {}

export function asProblem(error: unknown): Problem | undefined {
  return error instanceof Problem ? error : undefined
}
