export declare const goEnvironment: Readonly<Record<string, string>>;
export declare const toolNames: readonly string[];
export declare function toolFile(name: string): string;
export declare function missingTools(names?: readonly string[]): string[];
export declare function buildTools(names: readonly string[] | undefined, report: (line: string) => void): Promise<void>;
