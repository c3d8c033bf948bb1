package io.jllm.jinja.value;

/**
 * Counts what one rendering takes, and ends it at a limit: templates come with models, and a loop without an end must not take the process
 * with it. Not thread-safe.
 */
public final class Meter {
    /** Nested statements, expressions, calls and values: far less than fills the stack of a thread. */
    public static final int MAX_DEPTH = 500;
    /** Evaluated nodes and handled elements; templates in use take some hundreds a message. */
    static final long MAX_STEPS = 50_000_000;
    /** Characters of all strings made on the way; conversations of a million tokens take some tens of millions. */
    static final long MAX_CHARACTERS = 1L << 27;

    private final long maxSteps;
    private final long maxCharacters;
    private long steps;
    private long characters;
    private int depth;

    public Meter() {
        this(MAX_STEPS, MAX_CHARACTERS);
    }

    /** With limits of its own. */
    public Meter(long maxSteps, long maxCharacters) {
        this.maxSteps = maxSteps;
        this.maxCharacters = maxCharacters;
    }

    /** Counts one step. */
    public void step() {
        if (++steps > maxSteps) {
            throw tooManySteps();
        }
    }

    /** Counts elements that are handled or made at once. */
    public void steps(long count) {
        steps += Math.min(count, maxSteps + 1);
        if (steps > maxSteps) {
            throw tooManySteps();
        }
    }

    /** Counts characters before they are written. */
    public void characters(long count) {
        characters += Math.min(count, maxCharacters + 1);
        if (characters > maxCharacters) {
            throw new JinjaException("the template writes more than " + maxCharacters + " characters, the limit of one rendering");
        }
    }

    /** Goes one level down. Whoever comes back calls {@link #leave}; errors need not, as they end the rendering. */
    public void enter() {
        if (++depth > MAX_DEPTH) {
            throw new JinjaException("calls, statements or values are nested more than " + MAX_DEPTH + " deep, the limit of a rendering");
        }
    }

    public void leave() {
        depth--;
    }

    private JinjaException tooManySteps() {
        return new JinjaException("the template takes more than " + maxSteps + " steps, the limit of one rendering: does a loop have no end?");
    }
}
