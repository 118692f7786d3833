/**
 * Choices of kernel variants, kept across page loads and runs, because the trials of a first step take seconds, and on
 * a software adapter tens of seconds. They are kept by device: adapter, driver, browser or runtime, and the features
 * that decide which variants there are. Each choice also has a hash of the shaders it was made between, so that a new
 * build tries again what it has changed.
 *
 * What comes from outside is parsed, and anything unreadable is as if there were nothing. A kept choice is only a hint
 * which variant to look at: variant-choice.ts compares its bits with those of the first variant before it is used,
 * because browsers hide a new version of a driver from pages.
 */
import * as v from 'valibot';

/** A choice, and the hash of the shaders of all its variants. */
export interface KeptChoice {
  readonly variant: string;
  readonly build: string;
}

/** The choices on one device by the keys of their contests. */
export type KeptChoices = ReadonlyMap<string, KeptChoice>;

/** Where the choices of one device are kept. Never rejects: what cannot be kept is measured again. */
export interface DeviceChoices {
  readonly load: () => Promise<KeptChoices>;
  /** Adds some choices to those that are kept. */
  readonly save: (choices: KeptChoices) => Promise<void>;
}

/** A place that keeps one value for all devices, such as a file. */
export interface ChoiceKeeper {
  /** The browser or runtime with its version. */
  readonly engine: string;
  /** The value; undefined for none. May reject. */
  readonly read: () => Promise<unknown>;
  /** Replaces the value; no other change may come between. May reject. */
  readonly change: (changed: (before: unknown) => unknown) => Promise<void>;
}

/** Devices whose choices are kept; the one that was used longest ago gives way. */
const MOST_DEVICES = 8;
/** Choices of a device; far more than all shapes of the presets have. */
const MOST_CHOICES = 2000;

const Text = v.pipe(v.string(), v.maxLength(500));
const DevicesSchema = v.array(
  v.strictObject({
    device: v.pipe(v.string(), v.maxLength(4000)),
    /** From the clock of the machine, in milliseconds. */
    usedAt: v.pipe(v.number(), v.finite()),
    choices: v.array(v.strictObject({ key: Text, variant: Text, build: Text })),
  }),
);
type Devices = v.InferOutput<typeof DevicesSchema>;

let keeper: ChoiceKeeper | undefined;

/** Keeps the choices of all devices that are opened from now on; undefined keeps none, as does a fresh process. */
export function keepVariantChoices(by: ChoiceKeeper | undefined): void {
  keeper = by;
}

/** The kept choices of a device; undefined if none are kept. */
export function choicesKeptFor(device: GPUDevice): DeviceChoices | undefined {
  if (keeper === undefined) return undefined;
  const { engine, read, change } = keeper;
  const name = nameOf(device, engine);
  return {
    load: async () => {
      const devices = parsed(await read().catch(() => undefined));
      const kept = devices.find((each) => each.device === name)?.choices ?? [];
      return new Map(kept.map(({ key, variant, build }) => [key, { variant, build }]));
    },
    save: (choices) => change((before) => withChoices(before, name, choices, Date.now())).catch(() => undefined),
  };
}

/** Everything that is known of a device and can change what its compiler makes of a shader, as JSON. */
function nameOf({ adapterInfo, features }: GPUDevice, engine: string): string {
  // Browsers had devices before these had this property.
  const info = adapterInfo as GPUAdapterInfo | undefined;
  return JSON.stringify({
    engine,
    vendor: info?.vendor,
    architecture: info?.architecture,
    device: info?.device,
    // Natively it names the driver with its version; in a page it is mostly empty.
    description: info?.description,
    lanes: [info?.subgroupMinSize, info?.subgroupMaxSize],
    features: [...features].toSorted(),
  });
}

/** The kept value with some choices of a device added to it. */
export function withChoices(before: unknown, device: string, choices: KeptChoices, nowMs: number): Devices {
  const devices = parsed(before);
  const known = devices.find((each) => each.device === device)?.choices ?? [];
  const added = [...choices].map(([key, { variant, build }]) => ({ key, variant, build }));
  const kept = [...known.filter(({ key }) => !choices.has(key)), ...added].slice(-MOST_CHOICES);
  const others = devices.filter((each) => each.device !== device).toSorted((a, b) => b.usedAt - a.usedAt);
  return [{ device, usedAt: nowMs, choices: kept }, ...others.slice(0, MOST_DEVICES - 1)];
}

function parsed(value: unknown): Devices {
  const read = v.safeParse(DevicesSchema, value);
  return read.success ? read.output : [];
}
