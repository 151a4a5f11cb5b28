export interface Place {
  readonly api: string;
  readonly site: string;
  readonly path: string;
}

export function readOrigin(name: string, text?: string): string;
export function placePage(html: string, place: Place): string;
export function pagePolicy(html: string, api: string): string;
