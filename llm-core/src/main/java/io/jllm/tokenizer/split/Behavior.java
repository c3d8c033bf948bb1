package io.jllm.tokenizer.split;

import java.util.ArrayList;
import java.util.List;

/**
 * What becomes of the stretches that a {@link Finder} found. Source: Hugging Face tokenizers ({@code NormalizedString::split}), whose names
 * these are.
 */
public enum Behavior {
    /** Matches are left out. */
    REMOVED,
    /** Each match, and each stretch between matches, is a piece. */
    ISOLATED,
    /** So, but matches that follow each other are one piece. */
    CONTIGUOUS,
    /** A match belongs to what stands before it. */
    MERGED_WITH_PREVIOUS,
    /** A match belongs to what stands after it. */
    MERGED_WITH_NEXT;

    /** The step that cuts a text so. */
    public SplitStep of(Finder finder) {
        return switch (this) {
            case ISOLATED -> (text, first, sink) -> finder.find(text, (start, end, _) -> tell(text, first, start, end, sink));
            case REMOVED -> (text, first, sink) -> finder.find(text, (start, end, match) -> {
                if (!match) {
                    tell(text, first, start, end, sink);
                }
            });
            case CONTIGUOUS, MERGED_WITH_PREVIOUS, MERGED_WITH_NEXT -> (text, first, sink) -> {
                var spans = new ArrayList<Span>();
                finder.find(text, (start, end, match) -> {
                    if (start < end) {
                        spans.add(new Span(start, end, match));
                    }
                });
                for (Span span : joined(spans)) {
                    tell(text, first, span.start, span.end, sink);
                }
            };
        };
    }

    private record Span(int start, int end, boolean match) {
    }

    /** Whether a stretch joins the one before it, or for {@link #MERGED_WITH_NEXT} that one this. */
    private boolean joins(Span before, Span span) {
        return switch (this) {
            case CONTIGUOUS -> before.match == span.match;
            case MERGED_WITH_PREVIOUS -> span.match && !before.match;
            case MERGED_WITH_NEXT -> before.match && !span.match;
            case REMOVED, ISOLATED -> false;
        };
    }

    private List<Span> joined(List<Span> spans) {
        var result = new ArrayList<Span>(spans.size());
        for (int i = 0; i < spans.size(); ) {
            int end = i + 1;
            while (end < spans.size() && joins(spans.get(end - 1), spans.get(end))) {
                end++;
            }
            result.add(new Span(spans.get(i).start, spans.get(end - 1).end, false));
            i = end;
        }
        return result;
    }

    private static void tell(String text, boolean first, int start, int end, SplitStep.Sink sink) {
        if (start < end) {
            sink.piece(start == 0 && end == text.length() ? text : text.substring(start, end), first && start == 0);
        }
    }
}
