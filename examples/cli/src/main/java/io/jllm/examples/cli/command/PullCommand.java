package io.jllm.examples.cli.command;

import io.jllm.examples.cli.options.ModelName;
import io.jllm.examples.cli.output.Console;
import io.jllm.hub.HubName;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** Fetches a model. */
@Command(name = "pull", description = {"Fetches a model by its name, unless it is there, and prints its path.", "",
    "hf:OWNER/NAME is of Hugging Face's hub, ms:OWNER/NAME of ModelScope, ollama:NAME what Ollama has pulled here. @REVISION after it is a branch,"
        + " a tag or a commit; :Q8_0 or :FILE.gguf after that chooses among GGUF files (default: Q4_K_M, if there is one).", "",
    "Models go to the caches of the hubs' own tools, and what these have fetched is found. Their variables count: HF_TOKEN, HF_ENDPOINT, HF_HOME,"
        + " HF_HUB_CACHE, HF_HUB_OFFLINE, MODELSCOPE_API_TOKEN, MODELSCOPE_ENDPOINT, MODELSCOPE_CACHE, OLLAMA_MODELS."})
public final class PullCommand implements Action {
    @Parameters(index = "0", paramLabel = "NAME", description = "The model, such as hf:Qwen/Qwen3-0.6B-GGUF:Q8_0.")
    private String name;

    private final Console console;

    public PullCommand(Console console) {
        this.console = console;
    }

    @Override
    public void run() {
        console.out().println(ModelName.fetched(HubName.parse(name), console).toString());
    }
}
