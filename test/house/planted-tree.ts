import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import ts from 'typescript';

/** Some lines that are put into a file, before or after what stands there at one place only. */
export interface Hunk {
  readonly file: string;
  /** What is said by it. */
  readonly name: string;
  readonly before?: string;
  readonly after?: string;
  readonly put: string;
}

function planted(text: string, { file, before = '', after = '', put }: Hunk): string {
  const [head, tail, ...more] = text.split(before + after);
  if (head === undefined || tail === undefined || more.length > 0) {
    throw new Error(`${file} does not have this at one place: ${before}${after}`);
  }
  return `${head}${after}\n${put}\n${before}${tail}`;
}

const FORMAT: ts.FormatDiagnosticsHost = {
  getCanonicalFileName: (file) => file,
  getCurrentDirectory: () => ts.sys.getCurrentDirectory(),
  getNewLine: () => '\n',
};

/** The sources of the service with hunks planted, in memory; compiled again as these change, which takes a second. */
export class PlantedTree {
  private readonly root = ts.sys.getCurrentDirectory();
  private readonly texts = new Map<string, string>();
  private readonly versions = new Map<string, number>();
  private readonly service: ts.LanguageService;

  /**
   * @param entry a file outside of `src` that is compiled too
   * @param outDir where what is emitted goes, in folders as they are here
   */
  constructor(entry: string, outDir: string) {
    const { config } = ts.readConfigFile('tsconfig.build.json', (file) => ts.sys.readFile(file)) as { config: object };
    const { fileNames, options } = ts.parseJsonConfigFileContent(config, ts.sys, this.root);
    const { incremental: _, tsBuildInfoFile: __, ...rest } = options;
    const places = { rootDir: this.root, outDir: join(this.root, outDir), sourceMap: false, noEmitOnError: false };
    const settings: ts.CompilerOptions = { ...rest, ...places, types: ['node', 'jest'] };
    this.service = ts.createLanguageService({
      getCompilationSettings: () => settings,
      getScriptFileNames: () => [...fileNames, join(this.root, entry)],
      getScriptVersion: (file) => String(this.versions.get(file) ?? 0),
      getScriptSnapshot: (file) => {
        const text = this.texts.get(file) ?? ts.sys.readFile(file);
        return text === undefined ? undefined : ts.ScriptSnapshot.fromString(text);
      },
      getCurrentDirectory: () => this.root,
      getDefaultLibFileName: (given) => ts.getDefaultLibFilePath(given),
      fileExists: (file) => ts.sys.fileExists(file),
      readFile: (file) => ts.sys.readFile(file),
      directoryExists: (folder) => ts.sys.directoryExists(folder),
      getDirectories: (folder) => ts.sys.getDirectories(folder),
    });
  }

  /** From now on these hunks are planted, and no others. */
  plant(hunks: readonly Hunk[]): void {
    const files = new Set([...this.texts.keys(), ...hunks.map(({ file }) => join(this.root, file))]);
    for (const file of files) {
      const own = hunks.filter((hunk) => join(this.root, hunk.file) === file);
      const text = own.reduce(planted, readFileSync(file, 'utf8'));
      if (text === this.texts.get(file)) continue;
      this.texts.set(file, text);
      this.versions.set(file, (this.versions.get(file) ?? 0) + 1);
    }
  }

  textOf(file: string): string {
    return this.texts.get(join(this.root, file)) ?? readFileSync(file, 'utf8');
  }

  /** Everything that the compiler has to say. */
  messages(): readonly string[] {
    return (
      this.service
        .getProgram()
        ?.getSourceFiles()
        .flatMap((source) => this.messagesOf(source)) ?? []
    );
  }

  /** What it says of the first of these files of which it says something. */
  firstMessages(files: readonly string[]): readonly string[] {
    for (const file of files) {
      const found = this.messagesOf(this.service.getProgram()?.getSourceFile(join(this.root, file)));
      if (found.length > 0) return found;
    }
    return [];
  }

  emit(): void {
    this.service.getProgram()?.emit(undefined, (file, text) => {
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text);
    });
  }

  private messagesOf(source: ts.SourceFile | undefined): readonly string[] {
    const program = this.service.getProgram();
    if (program === undefined || source === undefined) throw new Error('There is no such file in the program');
    const found = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)];
    return found.map((diagnostic) => ts.formatDiagnostic(diagnostic, FORMAT));
  }
}
