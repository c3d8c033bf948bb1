/**
 * The rules of the house, checked on the sources and on the compiled classes of every module.
 *
 * <ul>
 * <li>{@link HouseRulesTest}: every rule, and which modules it is for
 * <li>{@link RulesCanFailTest}: each rule on samples that break it
 * <li>{@link ClassRules}, {@link ExportRule}, {@link ServiceRule}, {@link PackageRule}: rules read off class files
 * <li>{@link SourceRules}, {@link MapRules}: rules read off sources, package-infos and READMEs
 * <li>{@link LibraryRules}: rules about what is published
 * <li>{@link MavenSnippetTest}: what the top README says to Maven, done with a release
 * <li>{@link Checkout}: where the files are
 * </ul>
 */
package io.jllm.house;
