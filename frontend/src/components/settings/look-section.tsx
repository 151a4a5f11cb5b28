"use client";

import { Monitor, Moon, Sun } from "lucide-react";
import { Card, Choice } from "./parts";
import { openShortcuts } from "@/components/shortcuts/shortcuts";
import { Button } from "@/components/ui/button";
import { Switch } from "@/components/ui/switch";
import { usePreferences } from "@/hooks/use-preferences";
import { useTheme } from "@/hooks/use-theme";
import { setPreference } from "@/lib/preferences";

const THEMES = [
  { value: "light", label: "Light", icon: <Sun aria-hidden="true" /> },
  { value: "dark", label: "Dark", icon: <Moon aria-hidden="true" /> },
  { value: "system", label: "Device", icon: <Monitor aria-hidden="true" /> },
] as const;

const MOTIONS = [
  { value: "reduced", label: "Less" },
  { value: "full", label: "All" },
  { value: "system", label: "Device" },
] as const;

export function LookSection() {
  const [theme, setTheme] = useTheme();
  const { motion, isGlassOn, hasCharacterKeys } = usePreferences();
  return (
    <div className="space-y-5">
      <Card lead="These choices are kept on this device.">
        <div className="space-y-7">
          <Choice legend="Theme" name="theme" value={theme} options={THEMES} onChange={setTheme} />
          <Choice
            legend="Motion"
            name="motion"
            value={motion}
            options={MOTIONS}
            onChange={(value) => setPreference("motion", value)}
            hint="How much the page moves. “Device” does what your system's settings say."
          />
        </div>
      </Card>
      <Card>
        <Switch
          label="Glass"
          hint="Start with the glass on: each word is tinted by how sure the model was, and shows what else it considered."
          isOn={isGlassOn}
          onChange={(isOn) => setPreference("isGlassOn", isOn)}
          testId="glass-default"
        />
      </Card>
      <Card>
        <Switch
          label="Single-key shortcuts"
          hint="“?” opens the list of shortcuts and “/” goes to the message field. Turn them off if keys are pressed by chance, by speech input for instance; combinations go on working."
          isOn={hasCharacterKeys}
          onChange={(isOn) => setPreference("hasCharacterKeys", isOn)}
          testId="character-keys"
        />
        <Button
          variant="outline"
          size="small"
          className="mt-4"
          onClick={openShortcuts}
          data-testid="open-shortcuts"
        >
          See all shortcuts
        </Button>
      </Card>
    </div>
  );
}
