package io.jllm.examples.cli;

import io.jllm.examples.cli.command.Action;
import io.jllm.examples.cli.command.BatchCommand;
import io.jllm.examples.cli.command.BenchCommand;
import io.jllm.examples.cli.command.ChatCommand;
import io.jllm.examples.cli.command.EmbedCommand;
import io.jllm.examples.cli.command.GrammarCommand;
import io.jllm.examples.cli.command.ImatrixCommand;
import io.jllm.examples.cli.command.InferCommand;
import io.jllm.examples.cli.command.InspectCommand;
import io.jllm.examples.cli.command.LogitsCommand;
import io.jllm.examples.cli.command.PerplexityCommand;
import io.jllm.examples.cli.command.PullCommand;
import io.jllm.examples.cli.command.QuantizeCommand;
import io.jllm.examples.cli.command.RenderCommand;
import io.jllm.examples.cli.command.RunCommand;
import io.jllm.examples.cli.command.ServeCommand;
import io.jllm.examples.cli.command.SoakCommand;
import io.jllm.examples.cli.command.TokenizeCommand;
import io.jllm.examples.cli.options.ModelName;
import io.jllm.examples.cli.output.Console;
import io.jllm.examples.cli.output.Failures;
import io.jllm.examples.cli.output.Log;
import io.jllm.hub.HubName;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.TypeConversionException;

/** The commands, and how one of them is run. */
@Command(name = "llm", description = "Runs language models inside the JVM.", synopsisSubcommandLabel = "COMMAND",
        footer = "%nA model is a GGUF file, a Hugging Face folder, or a name of a hub (llm pull --help); without --model it is the demo model.")
final class Cli {
    private static final String PATH_ENCODING = System.getProperty("sun.jnu.encoding", "UTF-8");

    private Cli() {
    }

    /** Options of every command. */
    private static final class EverywhereOptions {
        @Option(names = {"-h", "--help"}, usageHelp = true, description = "Say what this command does and takes.")
        private boolean help;

        @Option(names = "--debug", description = "Show the stack trace of a failure, and what the library logs.")
        private boolean debug;
    }

    /**
     * Runs one command.
     *
     * @return the exit code: 0, 1 for a failure while running, 2 for bad usage or bad input, 3 for a text that is not what was asked about
     */
    static int run(String[] args, Console console) {
        boolean debug = Arrays.asList(args).contains("--debug");
        String name = "llm";
        try {
            CommandLine top = commandLine(args, console);
            ParseResult result = top.parseArgs(args);
            ParseResult command = result.hasSubcommand() ? result.subcommand() : result;
            name = command.commandSpec().qualifiedName();
            if (command.isUsageHelpRequested()) {
                console.out().print(command.commandSpec().commandLine().getUsageMessage());
            } else if (command.commandSpec().userObject() instanceof Action action) {
                Log.to(console, debug);
                action.run();
            } else {
                throw new ParameterException(top, "which command? One of " + String.join(", ", top.getSubcommands().keySet()));
            }
            console.out().flush();
            return Failures.OK;
        } catch (ParameterException e) {
            name = e.getCommandLine().getCommandSpec().qualifiedName();
            return report(e, name, " (" + name + " --help says what it takes)", debug, console);
        } catch (Throwable e) { // errors too: out of memory is something to say in a line
            return report(e, name, "", debug, console);
        }
    }

    private static int report(Throwable e, String command, String hint, boolean debug, Console console) {
        int code = Failures.exitCode(e);
        if (code != Failures.OK && !console.interrupted().getAsBoolean()) {
            console.say(command + ": " + Failures.line(e) + hint);
        }
        if (debug) {
            e.printStackTrace(console.err());
        }
        return code;
    }

    /** Of all commands, or only of the one that is meant: reading what the annotations of the others say takes longer than starting Java. */
    private static CommandLine commandLine(String[] args, Console console) {
        var top = new CommandLine(new Cli());
        Map<String, Function<Console, Action>> all = commands();
        Optional<String> meant = Arrays.stream(args).findFirst().filter(all::containsKey);
        meant.map(List::of).orElse(List.copyOf(all.keySet())).forEach(name -> top.addSubcommand(all.get(name).apply(console)));
        addEverywhere(top);
        top.getSubcommands().values().stream().distinct().forEach(Cli::addEverywhere); // one that has two names is there twice
        top.registerConverter(Path.class, Cli::path);
        top.registerConverter(ModelName.class, typed -> model(typed, console));
        // A prompt may begin with an @, and is no name of a file then.
        return top.setExpandAtFiles(false).setCaseInsensitiveEnumValuesAllowed(true);
    }

    /** By name, in the order in which they are listed. */
    private static Map<String, Function<Console, Action>> commands() {
        var all = new LinkedHashMap<String, Function<Console, Action>>();
        all.put("run", RunCommand::new);
        all.put("chat", ChatCommand::new);
        all.put("logits", LogitsCommand::new);
        all.put("tokenize", TokenizeCommand::new);
        all.put("embed", EmbedCommand::new);
        all.put("render", RenderCommand::new);
        all.put("perplexity", PerplexityCommand::new);
        all.put("grammar", _ -> new GrammarCommand());
        all.put("inspect", InspectCommand::new);
        all.put("quantize", QuantizeCommand::new);
        all.put("imatrix", ImatrixCommand::new);
        all.put("pull", PullCommand::new);
        all.put("bench", BenchCommand::new);
        all.put("soak", SoakCommand::new);
        all.put("serve", ServeCommand::new);
        all.put("infer", InferCommand::new);
        all.put("batch", BatchCommand::new);
        return all;
    }

    private static ModelName model(String typed, Console console) {
        try {
            return HubName.isName(typed) ? ModelName.of(HubName.parse(typed), console) : ModelName.of(path(typed));
        } catch (IllegalArgumentException e) {
            throw new TypeConversionException(e.getMessage());
        }
    }

    private static Path path(String typed) {
        try {
            if (typed.isEmpty()) {
                throw new TypeConversionException("the name of a file is empty");
            }
            return Path.of(typed);
        } catch (InvalidPathException e) {
            throw new TypeConversionException("no file can have the name '" + typed + "' here (" + e.getReason() + ")"
                    + (PATH_ENCODING.equals("UTF-8") ? "" : ": Java reads names as " + PATH_ENCODING + "; use a UTF-8 locale, of which this"
                            + " system has none installed if this was called by its script, or a name of ASCII letters"));
        }
    }

    private static void addEverywhere(CommandLine command) {
        command.getCommandSpec().addMixin("everywhere", CommandSpec.forAnnotatedObject(new EverywhereOptions()));
    }
}
