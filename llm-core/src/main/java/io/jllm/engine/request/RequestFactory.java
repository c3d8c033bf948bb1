package io.jllm.engine.request;

import io.jllm.BeamSearchParams;
import io.jllm.Prompt;
import io.jllm.SamplingParams;
import io.jllm.constraint.TokenMask;
import io.jllm.engine.sequence.BeamUnit;
import io.jllm.engine.sequence.ChosenAdapter;
import io.jllm.engine.sequence.Completion;
import io.jllm.engine.sequence.EmbeddingUnit;
import io.jllm.engine.sequence.Pool;
import io.jllm.engine.sequence.ResultSink;
import io.jllm.engine.sequence.SampledUnit;
import io.jllm.engine.sequence.SequenceGroup;
import io.jllm.engine.sequence.SequenceSettings;
import io.jllm.engine.sequence.StopStrings;
import io.jllm.load.LoadedModel;
import io.jllm.sampling.BeamScorer;
import io.jllm.tokenizer.StreamingDetokenizer;
import io.jllm.tokenizer.Tokenizer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.Function;

/**
 * Makes what callers ask for into requests for the engine: encodes, resolves settings, and refuses what can never be computed.
 * Safe for all threads; its work is done on the callers'.
 */
public final class RequestFactory {
    private final LoadedModel model;
    private final ChatPrompts chats;
    private final Function<String, ChosenAdapter> adapters;
    private final Set<Integer> eos;
    private final int maxContext;
    private final int maxSequences;
    private final int blockSize;
    private final int blocks;
    private volatile List<String> specialTokens; // null until a request has stop strings: it takes a look at the whole vocabulary

    /**
     * Waits for the tokenizer.
     *
     * @param adapters finds them by name, or throws an {@link IllegalArgumentException}
     * @param maxContext most positions of a sequence
     * @param blocks KV blocks of {@code blockSize} positions
     */
    public RequestFactory(LoadedModel model, ChatPrompts chats, Function<String, ChosenAdapter> adapters, int maxContext, int maxSequences,
            int blockSize, int blocks) {
        this.model = model;
        this.chats = chats;
        this.adapters = adapters;
        eos = model.eos();
        this.maxContext = maxContext;
        this.maxSequences = maxSequences;
        this.blockSize = blockSize;
        this.blocks = blocks;
    }

    /** Prompt tokens. */
    int[] encode(Work work) {
        int[] ids = switch (work.prompt()) {
            case Prompt.Chat c -> chats.encode(c, answer(work)).ids();
            case Prompt.Text t -> tokenizer().encode(t.text());
            case Prompt.Tokens t -> t.ids().clone();
        };
        if (ids.length == 0) {
            throw new IllegalArgumentException("the prompt has no tokens; give at least one");
        }
        int vocab = model.config().vocab();
        for (int i = 0; i < ids.length; i++) {
            if (ids[i] < 0 || ids[i] >= vocab) {
                throw new IllegalArgumentException("token " + ids[i] + " at position " + i + " of the prompt is none of the model's, 0 to "
                        + (vocab - 1));
            }
        }
        return ids;
    }

    /** Most tokens that it is asked to generate. */
    private static OptionalInt answer(Work work) {
        return switch (work) {
            case Work.Generate w -> w.params().maxTokens();
            case Work.Search w -> w.params().maxTokens();
            case Work.Embed _ -> OptionalInt.of(0);
        };
    }

    public Tokenizer tokenizer() {
        return model.tokenizer().orElseThrow(() -> new IllegalArgumentException(
                "the model came without a tokenizer; give prompts as token ids"));
    }

    /**
     * The request that the engine computes.
     *
     * @param ids the prompt's tokens
     * @param sink is told what becomes of it
     * @throws IllegalArgumentException if it can never be computed; the message says what to change
     */
    SequenceGroup make(long id, Work work, int[] ids, ResultSink sink) {
        if (!model.generates() && !(work instanceof Work.Embed)) {
            throw new IllegalArgumentException("the model's folder has no output matrix, so it makes vectors of texts (LLM.embed), but no text; "
                    + "to generate, load a folder that was saved with one, as its architecture ...ForCausalLM");
        }
        ChosenAdapter adapter = work.adapter().map(adapters).orElse(ChosenAdapter.NONE);
        return switch (work) {
            case Work.Generate w -> sampled(id, w.prompt(), ids, w.params(), adapter, sink);
            case Work.Embed w -> embedding(id, w.prompt(), ids, w.pool(), adapter, sink);
            case Work.Search w -> beams(id, w.prompt(), ids, w.params(), adapter, sink);
        };
    }

    /** Sampled sequences; any of them may wait while others are computed, so the KV cache must hold one. */
    private SequenceGroup sampled(long id, Prompt prompt, int[] ids, SamplingParams params, ChosenAdapter adapter, ResultSink sink) {
        checkSequences("n asks for " + params.n() + " outputs", params.n());
        SequenceSettings settings = settings(params, ids.length, 1);
        StopStrings stops = stops(params);
        var completions = new ArrayList<Completion>();
        for (int i = 0; i < params.n(); i++) {
            completions.add(new Completion(i, settings, detokenizer(params), stops));
        }
        return new SequenceGroup(id, prompt, ids, params, adapter, g -> SampledUnit.of(g, settings, completions), sink);
    }

    private SequenceGroup embedding(long id, Prompt prompt, int[] ids, Pool pool, ChosenAdapter adapter, ResultSink sink) {
        SamplingParams nothing = SamplingParams.builder().maxTokens(0).build();
        SequenceSettings settings = settings(nothing, ids.length, 1);
        return new SequenceGroup(id, prompt, ids, nothing, adapter, g -> List.of(new EmbeddingUnit(g, settings, pool)), sink);
    }

    /** Beams, which are computed in lock-step, so the KV cache must hold all of them. */
    private SequenceGroup beams(long id, Prompt prompt, int[] ids, BeamSearchParams params, ChosenAdapter adapter, ResultSink sink) {
        checkSequences("a beam search of width " + params.width(), params.width());
        SamplingParams common = params.toSamplingParams();
        SequenceSettings settings = settings(common, ids.length, params.width());
        if (common.constraint().isPresent() && settings.endTokens() == 0) {
            throw new IllegalArgumentException("a beam search under a constraint needs a token that ends a text; leave ignoreEos out, or give"
                    + " stopTokenIds");
        }
        var scorer = new BeamScorer(params.width(), params.lengthPenalty(), params.earlyStopping(), settings.maxTokens());
        return new SequenceGroup(id, prompt, ids, common, adapter,
                g -> List.of(new BeamUnit(g, settings, params.width(), scorer, params.n(), () -> detokenizer(common))), sink);
    }

    private void checkSequences(String asked, int count) {
        if (count > maxSequences) {
            throw new IllegalArgumentException(asked + ", but the engine computes " + maxSequences
                    + " sequences at once; ask for fewer, or load with a larger maxSequences");
        }
    }

    private StreamingDetokenizer detokenizer(SamplingParams params) {
        return model.tokenizer().map(t -> params.skipSpecialTokens() ? t.detokenizer() : new WrittenSpecials(t)).orElse(NoText.INSTANCE);
    }

    private StopStrings stops(SamplingParams params) {
        List<String> asked = params.stop();
        if (asked.isEmpty()) {
            return StopStrings.NONE;
        }
        Tokenizer tokenizer = model.tokenizer().orElseThrow(() -> new IllegalArgumentException(
                "the model came without a tokenizer, so its output has no text in which to find stop strings; use stopTokenIds"));
        if (!params.skipSpecialTokens()) {
            return new StopStrings(asked, List.of(), Optional.empty()); // all of them are in the text
        }
        List<String> special = specialTokens;
        if (special == null) {
            special = StopStrings.specialTokens(tokenizer);
            specialTokens = special;
        }
        return StopStrings.of(asked, tokenizer, special);
    }

    private SequenceSettings settings(SamplingParams params, int prompt, int together) {
        return new SequenceSettings(params, eos, model.config().vocab(), room(prompt, params, together), constraint(params));
    }

    /** Where an answer begins. What a constraint needs of the vocabulary is found here, on the caller's thread. */
    private Optional<TokenMask> constraint(SamplingParams params) {
        if (params.constraint().isEmpty()) {
            return Optional.empty();
        }
        Tokenizer tokenizer = model.tokenizer().orElseThrow(() -> new IllegalArgumentException(
                "the model came without a tokenizer, so its output has no text for a constraint; leave the constraint out"));
        TokenMask start = params.constraint().get().start(tokenizer);
        if (!start.mayGoOn()) {
            throw new IllegalArgumentException("the constraint admits no text but the empty one, so there is nothing to generate");
        }
        return Optional.of(start);
    }

    /** How many tokens may be generated after the prompt by so many sequences at once; refuses what can never fit. */
    private int room(int prompt, SamplingParams params, int together) {
        int wanted = params.maxTokens().orElse(Integer.MAX_VALUE);
        int leftOfContext = maxContext - prompt;
        if (leftOfContext < (wanted == 0 ? 0 : 1)) {
            throw new IllegalArgumentException("the prompt has " + prompt + " tokens, but the context holds " + maxContext
                    + (wanted == 0 ? "" : ", one generated token at least included") + "; shorten the prompt"
                    + (maxContext < model.config().maxContext() ? " or load with a larger maxContext" : ""));
        }
        // Full blocks of the prompt are shared. The last token of a sequence is never computed, so it needs no page.
        long shared = prompt / blockSize;
        long positions = blocks < shared ? (long) blocks * blockSize : (shared + (blocks - shared) / together) * blockSize;
        long leftOfPool = positions - prompt + (wanted == 0 ? 0 : 1);
        int atLeast = params.maxTokens().isPresent() ? Math.min(wanted, leftOfContext) : 1;
        if (leftOfPool < atLeast) {
            throw new IllegalArgumentException("the prompt's " + prompt + " tokens and " + atLeast + " generated ones"
                    + (together == 1 ? "" : " of each of " + together + " beams") + " can never fit the KV cache of "
                    + (long) blocks * blockSize + " positions; lower maxTokens, "
                    + (together == 1 ? "" : "search with fewer beams, ") + "shorten the prompt, or load with a larger kvCache");
        }
        return (int) Math.min(Math.min(wanted, leftOfContext), leftOfPool);
    }
}
