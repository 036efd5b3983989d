# Completion of ./inv in Bash: source this, as by  source <(./inv --print-completion-script bash)

_alpharho_inv() {
    local line=${COMP_LINE:0:COMP_POINT} program=${COMP_WORDS[0]/#\~/$HOME} words word head='' mark candidate
    COMPREPLY=()
    # A word ends at a space here; Bash itself also ends one at = and :, and replaces what is behind the last of these.
    # shellcheck disable=SC2162 # a backslash before a space keeps it
    read -a words <<<"$line"
    case $line in *[[:space:]]) words+=('') ;; esac
    word=${words[${#words[@]} - 1]}
    for mark in = :; do
        case $COMP_WORDBREAKS in
            *"$mark"*) case $word in *"$mark"*) head=${word%"${word##*"$mark"}"} ;; esac ;;
        esac
    done
    while IFS= read -r candidate; do
        COMPREPLY+=("$(printf %q "${candidate#"$head"}")")
    done < <("$program" --complete -- "${words[@]:1}" 2>/dev/null)
    case ${COMPREPLY[0]-} in
        *[/:]) [ ${#COMPREPLY[@]} -gt 1 ] || compopt -o nospace 2>/dev/null || : ;;
    esac
}

complete -F _alpharho_inv inv
