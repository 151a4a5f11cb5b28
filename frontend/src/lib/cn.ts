import { type ClassValue, clsx } from "clsx";

/** Joins class names; conditions may be false or undefined. */
export function cn(...classes: ClassValue[]): string {
  return clsx(classes);
}
